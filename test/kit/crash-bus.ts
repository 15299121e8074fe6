/**
 * A bus in a process of its own (programs/commanded.ts), used from a test as if it were here.
 *
 * What fails there fails here with the same code and detail. When the input ends, the process does, unless its bus keeps it.
 */
import type { AppendOptions, AppendResult, Bus, OpenOptions, StoredEvent, VerifyReport } from '#store';
import { type Ending, Program, type StartOptions } from './crash-process.ts';
import type { Fault } from './crash-tools.ts';

export interface BusCommand {
  readonly number: number;
  readonly do:
    | 'open'
    | 'append'
    | 'appendAll'
    | 'head'
    | 'read'
    | 'stream'
    | 'verify'
    | 'startReading'
    | 'startFollowing'
    | 'nextPage'
    | 'fault'
    | 'close';
  readonly given: readonly unknown[];
}

export interface NamedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly detail?: unknown;
}

export type Settled = { readonly value: AppendResult } | { readonly error: NamedError };

export type BusReply = { readonly number: number } & ({ readonly value: unknown } | { readonly error: NamedError });

/** Positions and ids of a page; `null` at the end. */
export type PageIds = readonly (readonly [position: number, id: string])[] | null;

type Append = Parameters<Bus['append']>;

export class RemoteBus {
  readonly program: Program;
  readonly #replies = new Map<number, BusReply>();
  #number = 0;

  constructor(program: Program) {
    this.program = program;
    program.onLine((line) => {
      const reply = JSON.parse(line) as BusReply;
      this.#replies.set(reply.number, reply);
    });
  }

  /** Starts a process and opens a bus in it. */
  static async open(options: OpenOptions, start: StartOptions = {}): Promise<RemoteBus> {
    const remote = RemoteBus.start(start);
    await remote.open(options);
    return remote;
  }

  static start(start: StartOptions = {}): RemoteBus {
    return new RemoteBus(Program.start(new URL('../durability/programs/commanded.ts', import.meta.url), null, start));
  }

  get pid(): number {
    return this.program.pid;
  }

  open = (options: OpenOptions): Promise<void> => this.#command('open', options);
  append = (stream: Append[0], events: Append[1], options: AppendOptions = {}): Promise<AppendResult> =>
    this.#command('append', stream, events, options);
  /** Appends all of them in one turn, and tells the outcome of each. */
  appendAll = (calls: readonly Append[]): Promise<Settled[]> => this.#command('appendAll', calls);
  head = (): Promise<number> => this.#command('head');
  read = (): Promise<StoredEvent[]> => this.#command('read');
  stream = (stream: string): Promise<{ version: number } | undefined> => this.#command('stream', stream);
  verify = (): Promise<VerifyReport> => this.#command('verify');
  startReading = (name: string): Promise<void> => this.#command('startReading', name);
  startFollowing = (name: string, after: number): Promise<void> => this.#command('startFollowing', name, after);
  nextPage = (name: string): Promise<PageIds> => this.#command('nextPage', name);
  /** Arms a fault; the process must have the journal's library. */
  fault = (fault: Fault): Promise<void> => this.#command('fault', fault);
  close = (): Promise<void> => this.#command('close');

  /** Lets the process end by itself. */
  ended(): Promise<Ending> {
    this.program.endInput();
    return this.program.ended();
  }

  async #command<Result>(name: BusCommand['do'], ...given: unknown[]): Promise<Result> {
    const number = this.#number++;
    const command: BusCommand = { number, do: name, given };
    this.program.send(JSON.stringify(command));
    await this.program.until(`the answer to ${name}`, () => this.#replies.has(number));
    const reply = this.#replies.get(number) as BusReply;
    this.#replies.delete(number);
    if ('error' in reply) throw Object.assign(new Error(`${name}: ${reply.error.message}`), reply.error);
    return reply.value as Result;
  }
}
