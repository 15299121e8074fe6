/** Takes batches; fails while an event with `act: 'throw'` is among them. */
import { setTimeout } from 'node:timers/promises';
import type { BatchHandler } from '#store';
import type { Scripted } from './scripted.ts';

export const handleBatch: BatchHandler<Scripted> = async (events, { logger }) => {
  logger.info('called', { positions: events.map(({ position }) => position) });
  if (events.some(({ data }) => data.act === 'throw')) throw new Error('one of them');
  if (events.some(({ data }) => data.act === 'exit')) process.exit(1);
  await setTimeout(1);
};
