/** Keeps its thread busy for a millisecond an event; no two calls of one thread overlap. */
import type { EventHandler } from '#store';

export const handle: EventHandler = ({ position }, { logger }) => {
  const startMs = performance.now();
  while (performance.now() < startMs + 1);
  if (position % 50 === 0) logger.info('busy', { position });
};
