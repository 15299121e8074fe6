/**
 * Child programs of the durability tests: started, talked to by lines, waited for with a deadline, and always gone at the
 * end of the test.
 *
 * A program gets one argument, a JSON text; it speaks in lines on stdout. It runs on the sources, or on `dist` with
 * TEST_DIST, like the tests themselves. Each has a process group of its own, so that whatever it runs under goes with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { nodeArguments } from './test-key.ts';

export interface StartOptions {
  /** The command it runs under, such as `['strace', '-f']`. @default none */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Longest time any wait for it takes. Milliseconds. @default 20_000 */
  readonly deadlineMs?: number;
}

/** How a program ended: `code` as it exited, or the `signal` that ended it. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

const deadlineDefaultMs = 20_000;

export class Program {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #deadlineMs: number;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  #onLine: ((line: string) => void) | undefined;
  #partial = '';
  #stderr = '';
  #ending: Ending | undefined;

  /** Starts `program`. Only inside a test: when that ends, the program is killed. */
  static start(program: URL, argument: unknown, options: StartOptions = {}): Program {
    const started = new Program(program, argument, options);
    onTestFinished(() => started.#killGroup());
    return started;
  }

  private constructor(program: URL, argument: unknown, options: StartOptions) {
    const command = [
      ...(options.under ?? []),
      process.execPath,
      ...nodeArguments,
      fileURLToPath(program),
      JSON.stringify(argument),
    ];
    this.#name = program.pathname.slice(program.pathname.lastIndexOf('/') + 1);
    this.#deadlineMs = options.deadlineMs ?? deadlineDefaultMs;
    // NODE_OPTIONS and what vitest sets for its own workers are nothing for a child.
    const { NODE_OPTIONS: _options, VITEST: _vitest, NODE_ENV: _env, ...env } = process.env;
    this.#process = spawn(command[0] as string, command.slice(1), {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...env, ...options.env },
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // Writing to a program that has ended is no failure of the test: how it ended is.
    this.#process.stdin?.on('error', () => undefined);
    this.#process.on('error', (error) => this.#end({ code: null, signal: null, stderr: String(error) }));
    this.#process.on('close', (code, signal) => this.#end({ code, signal, stderr: this.#stderr }));
  }

  /** Of the program, or of what it runs under. */
  get pid(): number {
    return this.#process.pid as number;
  }

  get hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** The next line it printed. Fails when it ends without one. */
  async line(): Promise<string> {
    await this.#until(() => this.#lines.length > 0 || this.#ending !== undefined, 'a line');
    const line = this.#lines.shift();
    if (line === undefined)
      throw new Error(`${this.#name} ended without the line that was waited for: ${this.#tell()}`);
    return line;
  }

  /** Hands every line to `take` from now on, as soon as it comes. */
  onLine(take: (line: string) => void): void {
    this.#onLine = take;
    for (const line of this.#lines.splice(0)) take(line);
  }

  /** Waits until `isSo`, which is looked at after each line. Fails when the program ends before. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    await this.#until(() => isSo() || this.#ending !== undefined, what);
    if (!isSo()) throw new Error(`${this.#name} ended before ${what}: ${this.#tell()}`);
  }

  /** Waits for the line `wanted` and fails at any other. */
  async expectLine(wanted: string): Promise<void> {
    const line = await this.line();
    if (line !== wanted) throw new Error(`${this.#name} said ${JSON.stringify(line)} instead of ${wanted}`);
  }

  send(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Ends its input, so that waiting for some does not keep it alive. */
  endInput(): void {
    this.#process.stdin?.end();
  }

  /** Signals the program, and what it runs under. */
  kill(signal: NodeJS.Signals): void {
    if (this.#ending !== undefined) return;
    if (signal === 'SIGKILL') this.#killGroup();
    else this.#process.kill(signal);
  }

  /** Waits for the end. Fails, and kills it, when that does not come in time. */
  async ended(): Promise<Ending> {
    await this.#until(() => this.#ending !== undefined, 'its end');
    return this.#ending as Ending;
  }

  /** Kills it as `kill -9` does and waits until it is gone. */
  async crash(): Promise<void> {
    this.kill('SIGKILL');
    await this.ended();
  }

  #take(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() as string;
    if (this.#onLine === undefined) this.#lines.push(...lines);
    else for (const line of lines) this.#onLine(line);
    this.#wake();
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + this.#deadlineMs;
    while (!isSo()) {
      const left = deadline - performance.now();
      if (left <= 0) {
        this.#killGroup();
        throw new Error(`${this.#name}: ${what} did not come within ${this.#deadlineMs} ms: ${this.#tell()}`);
      }
      await this.#change(left);
    }
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  #killGroup(): void {
    if (this.#ending !== undefined || this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  #tell(): string {
    const how = this.#ending === undefined ? 'still running' : `${this.#ending.code ?? this.#ending.signal}`;
    return `(${how}) ${this.#stderr.slice(-2000)}`;
  }
}

/** Waits until `isSo`, looking every few milliseconds. Fails after `deadlineMs`. */
export async function waitUntil(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
