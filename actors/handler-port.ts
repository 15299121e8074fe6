/**
 * The two ends of the port between a handler in a reader thread and the bus: appends and log lines go out, outcomes come back.
 *
 * One port for each round. The thread's end closes it, when the round is over and every append has its outcome; when the
 * thread dies it closes by itself. Nothing is waited for by either end but an append by the handler that made it.
 */
import { inspect } from 'node:util';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { BusError } from '../src/errors.ts';
import { encodeRequest } from '../src/log/append-request.ts';
import { isThenable } from '../src/thenable.ts';
import type { AppendResult, StoredEvent } from '../src/types.ts';
import type { CallRecord } from './call-record.ts';
import { type PackedError, packError, unpackError } from './error-transfer.ts';
import type { CallScope, HandlerAppend } from './handler-context.ts';
import type { Logger } from './logger.ts';

type Message =
  | { readonly kind: 'append'; readonly id: number; readonly append: HandlerAppend }
  | {
      readonly kind: 'log';
      readonly level: keyof Logger;
      readonly position: number;
      readonly attempt: number;
      readonly message: string;
      readonly fields: object | undefined;
    };

/** Of an append. */
type Outcome = { readonly id: number } & ({ readonly result: AppendResult } | { readonly error: PackedError });

/** The end that handlers use, by their context. */
export class ThreadEnd implements Omit<CallScope, 'signal'> {
  readonly #port: MessagePort;
  readonly #record: CallRecord;
  readonly #waiting = new Map<number, PromiseWithResolvers<AppendResult>>();
  #ids = 0;
  #isOver = false;

  constructor(port: MessagePort, record: CallRecord) {
    this.#port = port;
    this.#record = record;
    port.on('message', (outcome: Outcome) => this.#settle(outcome));
    port.on('close', () => this.#abandon());
  }

  /** What can't be appended is refused here: a clone would show less of it. */
  append = async ({ cause, ordinal, stream, events, metadata }: HandlerAppend): Promise<AppendResult> => {
    encodeRequest([{ stream, events }], metadata === undefined ? {} : { metadata }, 0);
    if (this.#isOver) {
      throw aborted('the round of this handler is over: append before the handler is done', 'nothing-written');
    }
    const { id: eventId, position, metadata: trace } = cause;
    // What the main thread needs of it: an event itself can't be cloned.
    const known = { id: eventId, position, metadata: trace } as StoredEvent;
    const id = this.#ids++;
    this.#post({ kind: 'append', id, append: { cause: known, ordinal, stream, events, metadata } });
    const waiting = Promise.withResolvers<AppendResult>();
    this.#waiting.set(id, waiting);
    return waiting.promise;
  };

  logger = (position: number, attempt: number): Logger => {
    const log = (level: keyof Logger) => (message: string, fields?: object) => {
      if (this.#isOver) return;
      const line = { kind: 'log', level, position, attempt, message: String(message) } as const;
      this.#post({ ...line, fields: fields && cloned(fields) });
    };
    return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  };

  /** The round is over: no further calls. */
  end(): void {
    this.#isOver = true;
    if (this.#waiting.size === 0) this.#port.close();
  }

  #post(message: Message): void {
    this.#record.send();
    this.#port.postMessage(message);
  }

  #settle(outcome: Outcome): void {
    const waiting = this.#waiting.get(outcome.id);
    this.#waiting.delete(outcome.id);
    if ('result' in outcome) waiting?.resolve(outcome.result);
    else waiting?.reject(unpackError(outcome.error));
    if (this.#isOver) this.end();
  }

  #abandon(): void {
    this.#isOver = true;
    for (const { reject } of this.#waiting.values()) reject(aborted('the bus has left this handler', 'unknown'));
    this.#waiting.clear();
  }
}

/** The end that does what handlers ask for. */
export class MainEnd {
  /** Resolves when the other end is closed, or its thread gone. */
  readonly closed: Promise<void>;
  readonly #port: MessagePort;
  readonly #record: CallRecord;
  readonly #scope: Omit<CallScope, 'signal'>;
  readonly #report: (error: unknown) => void;

  /** `report` is told what a logger throws. */
  constructor(
    port: MessagePort,
    record: CallRecord,
    scope: Omit<CallScope, 'signal'>,
    report: (error: unknown) => void,
  ) {
    this.#port = port;
    this.#record = record;
    this.#scope = scope;
    this.#report = report;
    this.closed = new Promise((resolve) => port.once('close', () => resolve()));
    port.on('message', (message: Message) => this.#take(message));
  }

  /** Takes what was sent and has not arrived yet. */
  drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#take(received.message);
    }
  }

  close(): void {
    this.#port.close();
  }

  #take(message: Message): void {
    this.#record.take();
    if (message.kind === 'append') void this.#append(message.id, message.append);
    else this.#log(message);
  }

  async #append(id: number, append: HandlerAppend): Promise<void> {
    try {
      this.#port.postMessage({ id, result: await this.#scope.append(append) } satisfies Outcome);
    } catch (error) {
      this.#port.postMessage({ id, error: packError(error) } satisfies Outcome);
    }
  }

  #log({ level, position, attempt, message, fields }: Message & { readonly kind: 'log' }): void {
    try {
      const logged: unknown = this.#scope.logger(position, attempt)[level](message, fields);
      if (isThenable(logged)) Promise.resolve(logged).catch(this.#report);
    } catch (error) {
      this.#report(error);
    }
  }
}

/** What can't be cloned goes as a text. */
function cloned(fields: object): object {
  try {
    return structuredClone(fields);
  } catch (_uncloneable) {
    return { fields: inspect(fields) };
  }
}

function aborted(message: string, outcome: 'nothing-written' | 'unknown'): BusError<'ABORTED'> {
  return new BusError('ABORTED', message, { outcome });
}
