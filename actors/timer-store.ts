/**
 * What timers need of the store they are in: the port between them and everything below.
 */
import type { AppendRequest } from '../src/log/append-request.ts';
import { readClock } from '../src/log/clock.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { Snapshot } from '../src/storage/engine.ts';
import type { Appender } from './appender.ts';
import type { OpenStore } from './open-store.ts';

export interface TimerStore {
  /** The store, for messages. */
  readonly path: string;
  readonly incarnation: Uint8Array;
  /** @throws {STORE_CLOSED} {STORE_CORRUPT} */
  read<T>(use: (snapshot: Snapshot) => T): T;
  /** Resolves when the rows are durable. @throws whatever a commit fails for. */
  write(rows: readonly RowDraft[]): Promise<void>;
  /** Resolves when the events, and the rows with them, are durable. @throws whatever a commit fails for. */
  append(request: AppendRequest): Promise<void>;
  /** Milliseconds since 1970; never throws. */
  now(): number;
  /** Told of failures that nobody waits for. */
  report(error: unknown): void;
}

/** The store of a bus, as its timers see it. */
export function timerStore(
  { engine, identity }: OpenStore,
  appender: Appender,
  clock: () => number,
  report: (error: unknown) => void,
): TimerStore {
  return {
    path: engine.path,
    incarnation: identity.incarnation,
    read: (use) => engine.read(use),
    write: (rows) => appender.writeRows(rows),
    append: (request) => appender.append(request, undefined, () => undefined),
    now: () => readClock(clock),
    report,
  };
}
