/** Drives engine-child.ts: an engine in another process, which may be limited, stripped of its rights, or killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { nodeArguments } from '../../kit/test-key.ts';
import type { ChildAnswer, ChildCommand } from './engine-child.ts';

const program = fileURLToPath(new URL('./engine-child.ts', import.meta.url));
const programArguments = [...nodeArguments, program];

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly exit: Promise<ChildExit>;

  constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('the child has no output');
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.exit = new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The answer to `command`, or how the process ended instead of giving one. */
  async ask(command: ChildCommand): Promise<ChildAnswer | ChildExit> {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    const { done, value } = await this.#answers.next();
    return done === true ? await this.exit : (JSON.parse(value) as ChildAnswer);
  }

  /** The value that `command` gives; fails when it gives none. */
  async get(command: ChildCommand): Promise<unknown> {
    const answer = await this.ask(command);
    if (!('ok' in answer) || !answer.ok) throw new Error(`${JSON.stringify(command)} gave ${JSON.stringify(answer)}`);
    return answer.value;
  }

  async kill(): Promise<ChildExit> {
    this.#child.kill('SIGKILL');
    return await this.exit;
  }
}

/** A new process; `fileBlocksMax` limits its files to so many blocks of 1024 bytes. It ends with the test. */
export function startEngineProcess(
  limits: { readonly fileBlocksMax?: number; readonly addressKilobytesMax?: number } = {},
): EngineProcess {
  const shell = [
    ...(limits.fileBlocksMax === undefined ? [] : [`ulimit -f ${limits.fileBlocksMax}`]),
    ...(limits.addressKilobytesMax === undefined ? [] : [`ulimit -v ${limits.addressKilobytesMax}`]),
    'exec "$@"',
  ].join('; ');
  const child = spawn('bash', ['-c', shell, 'bash', process.execPath, ...programArguments], {
    stdio: ['pipe', 'pipe', process.env.CHILD_ERRORS === undefined ? 'ignore' : 'inherit'],
  });
  const engine = new EngineProcess(child);
  onTestFinished(async () => {
    await engine.kill();
  });
  return engine;
}
