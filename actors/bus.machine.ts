/**
 * The bus as a statechart: {@link BusState}. Owns the order in which the parts of a bus stop, and that closing ends.
 *
 * Timers stop firing and processors save their cursors first, side by side, then readers stop, then appends in flight are settled, then the store is given back.
 */
import { fromPromise, setup } from 'xstate';

/** `failed`: the writer takes no more appends, reading goes on. The four in between are the steps of closing. */
export type BusState = 'open' | 'failed' | 'draining' | 'stopping-readers' | 'stopping-writer' | 'releasing' | 'closed';

/** The steps of closing, in their order, the first two side by side; each is called once. None may reject, and each must end. */
export interface ClosingSteps {
  /** What was scheduled before is still made durable. */
  stopTimers(): Promise<void>;
  stopProcessors(): Promise<void>;
  stopReaders(): Promise<void>;
  stopAppends(): Promise<void>;
  release(): Promise<void>;
}

export function busMachine(steps: ClosingSteps) {
  return setup({
    types: {
      events: {} as { readonly type: 'CLOSE' | 'WRITER_FAILED' },
    },
    actors: {
      drain: fromPromise(() => Promise.all([steps.stopTimers(), steps.stopProcessors()])),
      stopReaders: fromPromise(() => steps.stopReaders()),
      stopAppends: fromPromise(() => steps.stopAppends()),
      release: fromPromise(() => steps.release()),
    },
  }).createMachine({
    id: 'bus',
    initial: 'open',
    states: {
      open: { on: { CLOSE: 'draining', WRITER_FAILED: 'failed' } },
      failed: { on: { CLOSE: 'draining' } },
      draining: { invoke: { src: 'drain', onDone: 'stopping-readers' } },
      'stopping-readers': { invoke: { src: 'stopReaders', onDone: 'stopping-writer' } },
      'stopping-writer': { invoke: { src: 'stopAppends', onDone: 'releasing' } },
      releasing: { invoke: { src: 'release', onDone: 'closed' } },
      closed: { type: 'final' },
    },
  });
}

export type BusMachine = ReturnType<typeof busMachine>;
