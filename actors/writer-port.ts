/**
 * The way to the writer: the messages on a port between a thread that appends and the writer's host, and both of its ends.
 *
 * A port begins with a hello, which tells the thread how to open the store for itself. Then batches of commands go one way
 * and their outcomes the other. An end that goes away, in whatever manner, takes nothing with it: what was sent is committed.
 */
import type { MessagePort } from 'node:worker_threads';
import { BusError } from '../src/errors.ts';
import { packEventsMax, windowBytesMax, windowEventsMax, writerSilenceMaxMs } from '../src/limits.ts';
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
import { type CommandSource, commandBytes, commandEvents, LimitedRoom, type Room } from './command-source.ts';
import { type PackedError, packError, unpackError } from './error-transfer.ts';
import { Fifo } from './fifo.ts';
import type { PortGauge } from './port-gauge.ts';
import type { SharedState } from './shared-state.ts';
import { Watchdog } from './watchdog.ts';
import { withinMs } from './within-ms.ts';
import type { WriterLoop } from './writer-loop.ts';

/** What a thread needs to know to open the store for itself. */
export interface Hello {
  readonly path: string;
  readonly durability: Durability;
  /** Of the bus: its {@link SharedState}. `undefined` where others write the store: then the thread polls it, and only reads. */
  readonly shared: SharedArrayBuffer | undefined;
  /** Of the bus: its {@link SharedCounts}. */
  readonly counts: SharedArrayBuffer;
  /** Memory of the {@link StoreSecrets}; `undefined` for a store without encryption. */
  readonly secrets: SharedArrayBuffer | undefined;
}

/** From the writer's end. `'closing'`: the bus closes, the thread should too (connect.ts listens to that, and to the hello). */
export type ToCaller =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | ({ readonly kind: 'outcomes' } & OutcomeBatch)
  | { readonly kind: 'failed'; readonly error: PackedError }
  | { readonly kind: 'closing' };

/** The writer's end of a port: what came in, until the writer takes it. */
class CallerPort implements CommandSource {
  readonly #port: MessagePort;
  readonly #queue = new Fifo<WriterCommand>();

  constructor(port: MessagePort, loop: WriterLoop, gauge: PortGauge | undefined) {
    this.#port = port;
    loop.add(this);
    port.on('message', (batch: CommandBatch) => {
      const commands = unpackCommands(batch);
      gauge?.count(commands.length);
      for (const command of commands) this.#queue.push(command);
      loop.wake();
    });
    port.on('close', () => void loop.drained().then(() => loop.remove(this)));
  }

  next(room: Room): WriterCommand | undefined {
    const command = this.#queue.first;
    if (command === undefined || !room.fits(command)) return undefined;
    this.#queue.shift();
    return command;
  }

  tell(outcomes: readonly Outcome[]): void {
    this.#post({ kind: 'outcomes', ...packOutcomes(outcomes) });
  }

  fail(error: unknown): void {
    this.#post({ kind: 'failed', error: packError(error) });
  }

  #post(message: ToCaller): void {
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

  /** `gauge`: where somebody looks at the port from elsewhere. */
  connect(port: MessagePort, gauge?: PortGauge): void {
    const closed = new Promise<void>((resolve) => port.once('close', resolve)).finally(() => gauge?.close());
    this.#closedByPort.set(
      port,
      closed.then(() => void this.#closedByPort.delete(port)),
    );
    if (this.#loop === undefined) port.start();
    else new CallerPort(port, this.#loop, gauge);
    // Who waits at the other end keeps the process alive.
    port.unref();
    this.#post(port, { kind: 'hello', hello: this.#hello });
  }

  /** Asks the threads at the other ends to close, and waits for them, at most `waitMs`; then closes the ports. */
  async close(waitMs: number): Promise<void> {
    for (const port of this.#closedByPort.keys()) this.#post(port, { kind: 'closing' });
    await withinMs(waitMs, Promise.all(this.#closedByPort.values()));
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
 * thread alive only while commands are waited for, and watches that the writer answers.
 */
export class WriterPort {
  readonly appender: Appender;
  readonly #port: MessagePort;
  readonly #path: string;
  readonly #watchdog: Watchdog;
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

  constructor(port: MessagePort, path: string, state: SharedState, events: WriterPortEvents) {
    this.#port = port;
    this.#path = path;
    this.#watchdog = new Watchdog({
      progress: () => state.progress,
      silenceMaxMs: writerSilenceMaxMs,
      onSilence: () => {
        state.giveUp();
        this.fail(new Error(`its thread has shown no sign of life for ${writerSilenceMaxMs} ms`));
      },
    });
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
    port.on('message', (message: ToCaller) => {
      if (message.kind === 'outcomes') this.#settle(message);
      else if (message.kind === 'failed') this.#end(unpackError(message.error));
    });
    port.on('close', () => this.fail(new Error('its end of the port is closed')));
    port.unref();
  }

  /** Sends what is queued and resolves when it is settled; then nothing goes this way any more. */
  async close(): Promise<void> {
    await this.appender.close();
    this.#isClosed = true;
    this.#watchdog.close();
    this.#port.close();
  }

  /** What was sent has an unknown outcome: the writer does not answer any more. Later calls do nothing. */
  fail(cause: unknown): void {
    if (this.#isClosed) return;
    const message = `the writer of the store at ${this.#path} failed: what was in flight has an unknown outcome`;
    this.#end(new BusError('STORE_FAILED', message, { path: this.#path }, { cause }));
  }

  /** What was answered is told before all the rest fails. */
  #end(error: unknown): void {
    this.#watchdog.close();
    this.appender.tell(this.#outcomes.splice(0));
    this.appender.fail(error);
  }

  #settle(batch: OutcomeBatch): void {
    const commands = this.#sent.splice(0, batch.count);
    for (const command of commands) {
      this.#sentEvents -= commandEvents(command);
      this.#sentBytes -= commandBytes(command);
    }
    if (this.#sent.length === 0) this.#watchdog.rest();
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
    const room = new LimitedRoom(windowEventsMax - this.#sentEvents, windowBytesMax - this.#sentBytes);
    const commands: WriterCommand[] = [];
    for (let command = room.take(this.appender); command !== undefined; command = room.take(this.appender)) {
      commands.push(command);
      this.#sentEvents += commandEvents(command);
      this.#sentBytes += commandBytes(command);
    }
    if (commands.length === 0) return;
    if (this.#sent.length === 0) this.#watchdog.watch();
    this.#sent.push(...commands);
    const batch = packCommands(commands);
    this.#port.postMessage(batch, transferOf(batch));
  }

  #hasRoom(): boolean {
    return this.#sentEvents < windowEventsMax && this.#sentBytes < windowBytesMax;
  }
}
