/**
 * Where a dashboard gets what it shows from: the bus of its app, or the files of a store that another process writes.
 */
import type { Bus } from '../../actors/bus.ts';
import type { BusStatus } from '../../actors/bus-status.ts';
import type { EngineUsage } from '../storage/engine.ts';

export interface Source {
  readonly kind: 'app' | 'file';
  /** What is read from; `'file'`: one that is read-only. */
  readonly bus: Bus;
  /**
   * What the bus that writes shows of itself, or did a moment ago: for what is shown. `undefined` where no process has the store
   * open for writing.
   */
  status(): BusStatus | undefined;
  /** The same as it is now: for what is decided. */
  look(): BusStatus | undefined;
  /** Follows what {@link status} gives, until what is returned is called: `onChange` is told that it may have changed. */
  attach(onChange: () => void): () => void;
  /** What the store takes up. @throws {STORE_CLOSED} */
  usage(): EngineUsage;
  /** Tells of a failure that nobody waits for. */
  report(error: unknown): void;
}
