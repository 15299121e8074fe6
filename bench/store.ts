/**
 * What a contender has to offer: the few operations that the cases are made of, each as it is natural for that contender.
 */
import type { OrderEvent, Single } from './workload.ts';

/** What a read has seen: two contenders that read the same give the same. */
export interface ReadSum {
  events: number;
  /** Over `totalCents` of the data, or over versions where data is not looked at. */
  checksum: number;
}

export interface ScanRequest {
  /** Looks at the data of every event. */
  readonly touchesData: boolean;
  /** Only events of this type. */
  readonly type?: string;
  /** Asked about every 1024 events: true ends the scan. */
  readonly isDone: () => boolean;
}

/** A store of one contender, open for writing, durable at every commit. */
export interface Store {
  /** One commit: on disk when it resolves. */
  append(stream: string, events: readonly OrderEvent[]): Promise<void>;
  /** Many single events at a time: all on disk when it resolves. */
  appendSingles(singles: readonly Single[]): Promise<void>;
  /** From the first event to the last, or until it is done. */
  scan(request: ScanRequest): Promise<ReadSum>;
  /** The newest `count` events of `stream`, newest first, with their data. */
  readNewest(stream: string, count: number): Promise<ReadSum>;
  /** The events at `positions` one by one, with their data. */
  readAt(positions: readonly number[]): Promise<ReadSum>;
  /** The last position. */
  head(): number;
  close(): Promise<void>;
}

/** How many events a scan goes through between two questions whether it is done. */
export const scanStepEvents = 1024;
