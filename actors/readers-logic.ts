/**
 * The reader threads as actor logic: machines query by sending it events, and hear the results.
 */
import { type AnyActorRef, type EventObject, fromCallback, type NonReducibleUnknown } from 'xstate';
import type { Bus } from './bus.ts';
import type { QueryOptions } from './query.ts';

/** Runs a query, as `bus.query` does. */
export interface QueryOrder {
  readonly type: 'QUERY';
  /** A file: URL. */
  readonly module: string | URL;
  readonly options?: Omit<QueryOptions, 'signal'>;
  /** Comes back with the outcome. */
  readonly id?: string;
  /** Is sent the outcome. @default nobody: it is emitted either way */
  readonly replyTo?: AnyActorRef;
}

export interface Answered {
  readonly type: 'answered';
  readonly id: string | undefined;
  readonly result: unknown;
}

export interface QueryFailed {
  readonly type: 'query.failed';
  readonly id: string | undefined;
  readonly error: unknown;
}

/** Takes {@link QueryOrder}s for `bus`; emits {@link Answered} and {@link QueryFailed}. Its end aborts what it has begun. */
export function readersLogic(bus: Pick<Bus, 'query'>) {
  return fromCallback<QueryOrder, NonReducibleUnknown, Answered | QueryFailed>(({ receive, emit }) => {
    const ended = new AbortController();
    receive(({ module, options = {}, id, replyTo }) => {
      const tell = (outcome: Answered | QueryFailed) => {
        if (ended.signal.aborted) return;
        emit(outcome);
        replyTo?.send(outcome satisfies EventObject);
      };
      bus.query(module, { ...options, signal: ended.signal }).then(
        (result) => tell({ type: 'answered', id, result }),
        (error: unknown) => tell({ type: 'query.failed', id, error }),
      );
    });
    return () => ended.abort();
  });
}
