/**
 * The way to the writer as actor logic: machines append by sending it events, and hear what became of them.
 */
import { type AnyActorRef, type EventObject, fromCallback, type NonReducibleUnknown } from 'xstate';
import type { AppendManyOptions, AppendResult, StreamAppend } from '../src/types.ts';
import type { Bus } from './bus.ts';

/** Appends to one stream or several, as one commit. */
export interface AppendOrder {
  readonly type: 'APPEND';
  readonly appends: readonly StreamAppend[];
  readonly options?: AppendManyOptions;
  /** Comes back with the outcome. */
  readonly id?: string;
  /** Is sent the outcome. @default nobody: it is emitted either way */
  readonly replyTo?: AnyActorRef;
}

/** The append is durable. */
export interface Appended {
  readonly type: 'appended';
  readonly id: string | undefined;
  readonly results: AppendResult[];
}

/** Nothing was written, unless the error says otherwise. */
export interface AppendRefused {
  readonly type: 'append.refused';
  readonly id: string | undefined;
  readonly error: unknown;
}

/** Takes {@link AppendOrder}s for `bus`; emits {@link Appended} and {@link AppendRefused}. Ends without closing the bus. */
export function writerLogic(bus: Pick<Bus, 'appendMany'>) {
  return fromCallback<AppendOrder, NonReducibleUnknown, Appended | AppendRefused>(({ receive, emit }) => {
    receive(({ appends, options = {}, id, replyTo }) => {
      const tell = (outcome: Appended | AppendRefused) => {
        emit(outcome);
        replyTo?.send(outcome satisfies EventObject);
      };
      bus.appendMany(appends, options).then(
        (results) => tell({ type: 'appended', id, results }),
        (error: unknown) => tell({ type: 'append.refused', id, error }),
      );
    });
  });
}
