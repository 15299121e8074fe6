/** Collects the data of all events. */
import type { QueryDefinition } from '#actors/query';

export const query = {
  init: () => [],
  step: (all, { data }) => [...all, data],
  merge: (left, right) => [...left, ...right],
} satisfies QueryDefinition<unknown[]>;
