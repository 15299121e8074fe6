/**
 * The way into a bus for those who look at it. Costs nothing until somebody attaches: what is always kept is a few counters
 * and the last changes of state.
 */
import { assert } from '../src/assert.ts';
import type { EngineUsage } from '../src/storage/engine.ts';
import type { BusStatus } from './bus-status.ts';

export interface Inspection {
  /**
   * The bus now. A part that has not changed since the last call is the same object. `only`: the names of the processors that are
   * looked at; others are shown as they were when they were looked at last.
   */
  status(only?: ReadonlySet<string>): BusStatus;
  /**
   * Follows the machines of all processors, also of those that are made later, until what is returned is called; `onChange` is
   * told the name of a processor whenever something of it changed. Any number may be attached.
   */
  attach(onChange: (processor: string) => void): () => void;
  /**
   * Tells that something of a processor has changed, and follows no machine for it, until what is returned is called. `onChange` is
   * called often, and must not throw.
   */
  hear(onChange: () => void): () => void;
  /**
   * Tells the name of a processor that has come or gone, is in another state, has failed, or counts other attempts, until what is
   * returned is called; not of quantities. `onNews` must not throw.
   */
  hearNews(onNews: (processor: string) => void): () => void;
  /** What the store takes up. @throws {STORE_CLOSED} */
  usage(): EngineUsage;
  /** Tells of a failure that nobody waits for, on the `errors$` of the bus. */
  report(error: unknown): void;
}

/** The inspection of each bus, for the dashboard. */
export const inspections = new WeakMap<object, Inspection>();

export function inspectionOf(bus: object): Inspection {
  const inspection = inspections.get(bus);
  assert(inspection !== undefined, 'a bus has an inspection');
  return inspection;
}
