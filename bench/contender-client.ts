/**
 * The harness's side of a contender's process: starts it, sends orders, gives the answers, ends it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Measurement, Order } from './contender-process.ts';

/** Longest that an order may take: a contender that hangs must not hang the harness. */
const orderMsMax = 600_000;

export class ContenderClient {
  readonly #child: ChildProcess;

  /** With `profileDirectory`, the process leaves a CPU profile there. */
  constructor(profileDirectory?: string) {
    const profiling = profileDirectory === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDirectory];
    this.#child = fork(new URL('./contender-process.ts', import.meta.url), {
      execArgv: [...process.execArgv, ...profiling],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  /** @throws when the contender fails, ends, or takes too long. */
  async order(order: Order): Promise<Measurement> {
    const settled = new AbortController();
    const { signal } = settled;
    const timer = setTimeout(() => this.kill(), orderMsMax);
    try {
      const answered = once(this.#child, 'message', { signal });
      const ended = once(this.#child, 'exit', { signal });
      ended.catch(() => undefined);
      this.#child.send(order);
      const answer = await Promise.race([answered, ended.then(() => undefined)]);
      if (answer === undefined) throw new Error(`a contender ended while it was told to ${order.kind}`);
      const [message] = answer as [Answer];
      if (!message.ok) throw new Error(`a contender failed to ${order.kind}: ${message.error}`);
      return message.result;
    } finally {
      clearTimeout(timer);
      settled.abort();
    }
  }

  /** Closes the store and waits for the end of the process. */
  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    await this.order({ kind: 'close' });
    await ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
