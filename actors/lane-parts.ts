/**
 * Where a lane lives, and what the partitions of one processor share.
 */
import { CursorLayout } from './cursor-layout.ts';
import type { Lookers } from './lookers.ts';
import type { ProcessorHost } from './processor-names.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';
import { LagAlarm } from './progress-monitor.ts';

/** What a processor needs from where it lives. */
export interface ProcessorPlace extends ProcessorHost {
  readonly lookers: Lookers;
  readonly random: () => number;
  /** Gives the name back. */
  readonly release: () => void;
}

/** What the partitions of one processor share. */
export interface LaneParts {
  readonly layout: CursorLayout;
  readonly alarm: LagAlarm | undefined;
  /** Told of every change of state or numbers. */
  readonly onChange: () => void;
}

/** Those of one that has no partitions. */
export function partsOfWhole(
  place: ProcessorPlace,
  { name, from, partitions, maxLag }: ResolvedProcessorOptions,
): LaneParts {
  return {
    layout: new CursorLayout(place, name, from, partitions),
    alarm: maxLag && new LagAlarm(maxLag, (error) => place.store.report(error)),
    onChange: () => undefined,
  };
}
