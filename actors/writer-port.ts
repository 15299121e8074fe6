/**
 * The way to the writer: the messages on a port between a thread that appends and the writer's host, and both of its ends.
 *
 * A port begins with a hello, which tells the thread how to open the store for itself. Then batches of commands go one way
 * and their outcomes the other. An end that goes away, in whatever manner, takes nothing with it: what was sent is committed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { BusError } from '../src/errors.ts';
import { packEventsMax, windowBytesMax, windowEventsMax } from '../src/limits.ts';
import type { Outcome, WriterCommand } from '../src/log/log-writer.ts';
import type { Durability } from '../src/types.ts';
import { Appender } from './appender.ts';
import {
  type CommandBatch,
  type OutcomeBatch,
  packCommands,
  packOutcomes,
  transferOf,
  unpackCommands,
  unpackOutcomes,
} from './command-batch.ts';
import { type CommandSource, commandBytes, commandEvents, Group, type Room } from './command-source.ts';
import type { WriterLoop } from './writer-loop.ts';

/** What a thread needs to know to open the store for itself. */
export interface Hello {
  readonly path: string;
  readonly durability: Durability;
  /** Of the bus: its {@link SharedState}. `undefined` where others write the store: then the thread polls it, and only reads. */
  readonly shared: SharedArrayBuffer | undefined;
}

/** From the writer's end. `'closing'`: the bus closes, the thread should too. */
export type ToCaller =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | ({ readonly kind: 'outcomes' } & OutcomeBatch)
  | { readonly kind: 'closing' };

/** The writer's end of a port: what came in, until the writer takes it. */
class CallerPort implements CommandSource {
  readonly #port: MessagePort;
  #queue: WriterCommand[] = [];
  #first = 0;

  constructor(port: MessagePort, loop: WriterLoop) {
    this.#port = port;
    loop.add(this);
    port.on('message', (batch: CommandBatch) => {
      this.#queue.push(...unpackCommands(batch));
      loop.wake();
    });
    port.on('close', () => void loop.drained().then(() => loop.remove(this)));
  }

  next(room: Room): WriterCommand | undefined {
    const command = this.#queue[this.#first];
    if (command === undefined) return undefined;
    if (!room.isEmpty && (commandEvents(command) > room.events || commandBytes(command) > room.bytes)) return undefined;
    this.#first++;
    if (this.#first === this.#queue.length) {
      this.#queue = [];
      this.#first = 0;
    }
    return command;
  }

  tell(outcomes: readonly Outcome[]): void {
    const message: ToCaller = { kind: 'outcomes', ...packOutcomes(outcomes) };
    this.#port.postMessage(message);
  }
}

/** The ports of one bus, where its writer is. Without a writer they serve threads that only read. */
export class PortServer {
  readonly #hello: Hello;
  readonly #loop: WriterLoop | undefined;
  readonly #closedByPort = new Map<MessagePort, Promise<void>>();

  constructor(hello: Hello, loop: WriterLoop | undefined) {
    this.#hello = hello;
    this.#loop = loop;
  }

  connect(port: MessagePort): void {
    const closed = new Promise<void>((resolve) => port.once('close', resolve));
    this.#closedByPort.set(
      port,
      closed.then(() => void this.#closedByPort.delete(port)),
    );
    if (this.#loop === undefined) port.start();
    else new CallerPort(port, this.#loop);
    // Who waits at the other end keeps the process alive.
    port.unref();
    this.#post(port, { kind: 'hello', hello: this.#hello });
  }

  /** Asks the threads at the other ends to close, and waits for them, at most `waitMs`; then closes the ports. */
  async close(waitMs: number): Promise<void> {
    for (const port of this.#closedByPort.keys()) this.#post(port, { kind: 'closing' });
    const timedOut = new AbortController();
    await Promise.race([
      Promise.all(this.#closedByPort.values()),
      delay(waitMs, undefined, { signal: timedOut.signal }).catch(() => undefined),
    ]);
    timedOut.abort();
    for (const port of this.#closedByPort.keys()) port.close();
  }

  #post(port: MessagePort, message: ToCaller): void {
    port.postMessage(message);
  }
}

/** Batches sent in the middle of a turn of the event loop: about 4 ms of encoding. */
const turnBatchesMax = 4;

/** What the caller's end tells its bus. */
export interface WriterPortEvents {
  /** The first command is waited for, or the last one is settled. */
  readonly onBusy?: (isBusy: boolean) => void;
  /** The writer takes nothing any more, or is gone without a word. */
  readonly onFailed: (error: unknown) => void;
}

/**
 * The caller's end of a port. Commands of one turn of the event loop go together; a large number in several batches, so that
 * the writer begins while the rest is being encoded, but no more than `turnBatchesMax`: a port hands over messages for as long
 * as there are any, and a caller that appends again with each outcome would never get to the end of its turn. It keeps the
 * thread alive only while commands are waited for.
 */
export class WriterPort {
  readonly appender: Appender;
  readonly #port: MessagePort;
  /** Sent and not yet answered. */
  readonly #sent: WriterCommand[] = [];
  #sentEvents = 0;
  #sentBytes = 0;
  /** Come in, and not told yet. */
  readonly #outcomes: Outcome[] = [];
  #isScheduled = false;
  /** Sent in the middle of this turn. */
  #turnBatches = 0;
  #isClosed = false;

  constructor(port: MessagePort, path: string, events: WriterPortEvents) {
    this.#port = port;
    this.appender = new Appender({
      path,
      onReady: () => this.#onReady(),
      onFailed: events.onFailed,
      onBusy: (isBusy) => {
        if (isBusy) port.ref();
        else port.unref();
        events.onBusy?.(isBusy);
      },
    });
    port.on('message', (message: ToCaller) => this.#take(message));
    port.on('close', () => {
      if (!this.#isClosed) this.appender.fail(goneError(path));
    });
    port.unref();
  }

  /** Sends what is queued and resolves when it is settled; then nothing goes this way any more. */
  async close(): Promise<void> {
    await this.appender.close();
    this.#isClosed = true;
    this.#port.close();
  }

  #take(message: ToCaller): void {
    if (message.kind === 'outcomes') this.#settle(message);
  }

  #settle(batch: OutcomeBatch): void {
    const commands = this.#sent.splice(0, batch.count);
    for (const command of commands) {
      this.#sentEvents -= commandEvents(command);
      this.#sentBytes -= commandBytes(command);
    }
    const isTelling = this.#outcomes.length > 0;
    this.#outcomes.push(...unpackOutcomes(batch, commands));
    if (!isTelling) this.#tellSome();
  }

  /** Tells callers in portions, a turn of the event loop each: all that wait for their outcome do something with it. */
  #tellSome(): void {
    this.appender.tell(this.#outcomes.splice(0, packEventsMax));
    if (this.#outcomes.length > 0) setImmediate(() => this.#tellSome());
    if (this.appender.queuedEvents > 0) this.#schedule();
  }

  #onReady(): void {
    this.#schedule();
    if (this.appender.queuedEvents < packEventsMax || this.#turnBatches === turnBatchesMax) return;
    this.#turnBatches++;
    this.#send();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turnBatches = 0;
      this.#send();
    });
  }

  /** Sends what the window has room for. */
  #send(): void {
    if (this.#isClosed || (this.#sent.length > 0 && !this.#hasRoom())) return;
    const group = new Group(windowEventsMax - this.#sentEvents, windowBytesMax - this.#sentBytes);
    const commands: WriterCommand[] = [];
    for (let command = group.take(this.appender); command !== undefined; command = group.take(this.appender)) {
      commands.push(command);
      this.#sentEvents += commandEvents(command);
      this.#sentBytes += commandBytes(command);
    }
    if (commands.length === 0) return;
    this.#sent.push(...commands);
    const batch = packCommands(commands);
    this.#port.postMessage(batch, transferOf(batch));
  }

  #hasRoom(): boolean {
    return this.#sentEvents < windowEventsMax && this.#sentBytes < windowBytesMax;
  }
}

function goneError(path: string): BusError {
  return new BusError(
    'STORE_FAILED',
    `the writer of the store at ${path} is gone: what was in flight has an unknown outcome`,
    {
      path,
    },
  );
}
