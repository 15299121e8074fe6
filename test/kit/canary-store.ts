/** What is known of the store that test/durability/programs/canary.ts writes. */
import type { Aggregate, Bus } from '#store';

export const canaryKey = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);

/** Keeps what it was told in its state, and a snapshot of it with each decision. */
export function canaryAggregate(bus: Bus): Aggregate<string[], string> {
  return bus.aggregate({
    name: 'aggregate',
    initial: [] as string[],
    evolve: (state, { data }) => [...state, data as string],
    decide: (_state, command: string) => ({ type: 'decided', data: command }),
    snapshot: { every: 1, version: 1 },
  });
}
