/**
 * A thread with a bus connected to one of the test's (test/actors/threads/connected.ts), used as if it were here.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import type { AppendResult, Bus, Capabilities } from '#store';
import { nodeArguments } from './test-key.ts';

export interface ThreadOrder {
  readonly number: number;
  readonly do:
    | 'connect'
    | 'append'
    | 'publish'
    | 'listen'
    | 'count'
    | 'race'
    | 'head'
    | 'read'
    | 'data'
    | 'hold'
    | 'touch'
    | 'rotate'
    | 'surroundings'
    | 'follow'
    | 'watch'
    | 'heads'
    | 'port'
    | 'spin'
    | 'exit'
    | 'close';
  readonly given: readonly unknown[];
}

export type ThreadReply = { readonly number: number } & (
  | { readonly value: unknown }
  | { readonly error: { readonly message: string; readonly code?: string | undefined; readonly detail?: unknown } }
);

export class ConnectedThread {
  readonly worker: Worker;
  readonly exited: Promise<unknown>;
  readonly #waiting = new Map<number, (reply: ThreadReply) => void>();
  #number = 0;

  /** Starts a thread and connects it; it is gone when the test ends. */
  static async start(bus: Bus): Promise<ConnectedThread> {
    const thread = new ConnectedThread(bus);
    await thread.connect();
    return thread;
  }

  /** Starts a thread that is not connected yet. */
  constructor(bus: Bus) {
    const port = bus.port();
    this.worker = new Worker(new URL('../actors/threads/connected.ts', import.meta.url), {
      workerData: { port },
      transferList: [port],
      execArgv: [...nodeArguments],
    });
    this.exited = once(this.worker, 'exit');
    this.worker.on('message', (reply: ThreadReply) => this.#waiting.get(reply.number)?.(reply));
    onTestFinished(async () => {
      await this.worker.terminate();
    });
  }

  connect = (): Promise<Capabilities> => this.#order('connect');
  append = (...given: Parameters<Bus['append']>): Promise<AppendResult> => this.#order('append', ...given);
  publish = (...given: Parameters<Bus['publish']>): Promise<AppendResult> => this.#order('publish', ...given);
  listen = (type: string): Promise<void> => this.#order('listen', type);
  /** Positions that were listened to. */
  heard = (): Promise<number[]> => this.#order('heads');
  count = (id: string, times: number): Promise<number> => this.#order('count', id, times);
  race = (stream: string, last: number): Promise<number[]> => this.#order('race', stream, last);
  head = (): Promise<number> => this.#order('head');
  read = (): Promise<number[]> => this.#order('read');
  rotate = (): Promise<void> => this.#order('rotate');
  data = (): Promise<unknown[]> => this.#order('data');
  /** Reads the event at a position, and touches nothing of it. */
  hold = (position: number): Promise<void> => this.#order('hold', position);
  /** Data of the event that it holds. */
  touch = (): Promise<unknown> => this.#order('touch');
  /** What it was started with, as a text. */
  surroundings = (): Promise<string> => this.#order('surroundings');
  follow = (after: number, count: number): Promise<number[] | 'ended'> => this.#order('follow', after, count);
  watch = (): Promise<void> => this.#order('watch');
  heads = (): Promise<number[]> => this.#order('heads');
  port = (): Promise<unknown> => this.#order('port');
  close = (): Promise<void> => this.#order('close');

  /** What never answers. */
  tell(deed: 'spin' | 'exit', appends: number): void {
    this.worker.postMessage({ number: 0, do: deed, given: [appends] } satisfies ThreadOrder);
  }

  #order<Result>(deed: ThreadOrder['do'], ...given: unknown[]): Promise<Result> {
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, (reply) => {
        if ('error' in reply) reject(Object.assign(new Error(reply.error.message), reply.error));
        else resolve(reply.value as Result);
      });
      this.worker.postMessage({ number, do: deed, given } satisfies ThreadOrder);
    });
  }
}
