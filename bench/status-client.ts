/**
 * Looks at what the process that writes a store tells of its processor `target`, as `varvebus ui` does: a process of its own,
 * started by status-lateness.ts with the path of the store. Sends `'ready'`, and each time that it is to be tried again how late
 * that was seen, in milliseconds.
 */
import { setTimeout } from 'node:timers/promises';
import { type StatusReader, statusFileOf } from '#actors/status-reader';
import { openBus } from '#store';

const betweenLooksMs = 2;

const bus = await openBus({ path: process.argv[2] as string, readOnly: true });
const reader = statusFileOf(bus) as StatusReader;
process.send?.('ready');
for (let seenMs = 0; ; await setTimeout(betweenLooksMs)) {
  const status = reader.read()?.processors.find(({ name }) => name === 'target')?.status;
  if (status?.state !== 'retrying' || status.context.since === seenMs) continue;
  seenMs = status.context.since;
  process.send?.(Date.now() - seenMs);
}
