/**
 * Programs that a test starts as processes of their own: the command line, the examples, a writer beside them.
 *
 * They run on the sources or on the built package, as the tests do, and are killed when their test ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { runCommandLine } from '#kernel/cli/run';
import { nodeArguments, testKeyEnvironment } from '../kit/test-key.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const isBuilt = Boolean(process.env.TEST_DIST);
const cliPath = isBuilt ? 'dist/src/cli/main.js' : 'src/cli/main.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly directory?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A process that was started, and what it has printed so far. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], { directory = root, env = {} }: ProgramOptions = {}) {
    const { FORCE_COLOR, ...inherited } = process.env;
    this.child = spawn(process.execPath, args, {
      cwd: directory,
      env: { ...inherited, NO_COLOR: '1', ...testKeyEnvironment, ...env },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** Resolves when whole lines of output number at least `count`. */
  async untilLines(count: number): Promise<string[]> {
    await expect.poll(() => linesOf(this.stdout).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
    return linesOf(this.stdout);
  }
}

/** Starts the command line as a process. */
export function startCli(...args: readonly string[]): Program {
  return new Program([cliPath, ...args]);
}

/** Runs the command line where the package `name` is not installed. */
export function runCliWithout(name: string, ...args: readonly string[]): Promise<Ended> {
  const hooks = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === '${name}') throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
        return next(specifier, context);
      },
    });`;
  const preload = `data:text/javascript,${encodeURIComponent(hooks)}`;
  return new Program(['--import', preload, cliPath, ...args]).ended;
}

/** Runs the command line in this process: the same, but quick. */
export async function runCli(...args: readonly string[]): Promise<Ended> {
  const [stdout, stderr] = [new TextStream(), new TextStream()];
  const code = await runCommandLine(args, { stdout, stderr, env: { ...testKeyEnvironment } });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** Gathers what is written. */
export class TextStream extends Writable {
  text = '';

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}

/** Starts a program of examples/. */
export function startExample(name: string, args: readonly string[] = [], options: ProgramOptions = {}): Program {
  return new Program([...nodeArguments, `${root}examples/${name}`, ...args], options);
}

/** Starts a program that belongs to a test. */
export function startProgram(file: URL, args: readonly string[] = []): Program {
  return new Program([...nodeArguments, fileURLToPath(file), ...args]);
}

/** Starts a process that appends to the stream `ticks`, event after event, until its test ends. */
export async function startWriter(directory: string): Promise<Program> {
  const program = `
    import { openBus } from '#store';
    const bus = await openBus({ path: process.argv[1] });
    let isWanted = true;
    process.stdin.resume().on('end', () => { isWanted = false; });
    for (let n = 1; isWanted; n++) {
      await bus.append('ticks', { type: n % 2 === 1 ? 'Odd' : 'Even', data: { n } });
      if (n === 1) console.log('writing');
    }
    await bus.close();`;
  const writer = new Program([...nodeArguments, '--input-type=module', '--eval', program, directory]);
  await writer.untilLines(1);
  return writer;
}

/** The whole lines of `text`. */
export function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}
