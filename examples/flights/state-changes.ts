/**
 * The changes of processors' states as lines of text.
 *
 * A change is told once from a start of its processor to the next, so that many retries are two lines; how many there were is
 * in the report. `idle` and `loading`, which are over at once, are passed over.
 */
import type { ProcessorState, ProcessorStatus } from '#store';
import { grouped } from './report-text.ts';

/** What to subscribe to `state$` of every processor with. */
export function stateChanges(say: (line: string) => void): (status: ProcessorStatus) => void {
  const stateByName = new Map<string, ProcessorState>();
  const toldByName = new Map<string, Set<string>>();
  return ({ name, state, context }) => {
    const before = stateByName.get(name) ?? 'idle';
    if (state === before || state === 'idle' || state === 'loading') return;
    stateByName.set(name, state);

    const told = toldByName.get(name) ?? new Set();
    toldByName.set(name, told);
    const change = `${before} → ${state}`;
    if (!told.has(change)) say(`${name.padEnd(16)}  ${change.padEnd(22)}  at ${grouped(context.position)}`);
    told.add(change);
    if (state === 'stopped') told.clear();
  };
}
