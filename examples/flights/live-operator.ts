/**
 * Somebody in `npm run demo -- --ui` who looks after the consumers, unhurried: what is broken stays to be seen for a while, and
 * whoever watches the dashboard may be faster.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '#store';
import type { Consumers } from './live-consumers.ts';
import { type AirportEvent, backlogFlights } from './live-events.ts';

const roundMs = 1000;
/** How long a processor that gave up is left alone. */
const failedMs = 12_000;
const archiveRounds = 40;
const beltRounds = 20;
const lettersMax = 500;

/** Goes on until `signal`. */
export async function operate(
  bus: Bus<AirportEvent>,
  { archive, crewDuty }: Consumers,
  signal: AbortSignal,
): Promise<void> {
  const customs = bus.deadLetters('customs');
  const baggage = bus.deadLetters('baggage');
  for (let round = 1; ; round++) {
    await sleep(roundMs, undefined, { signal });
    const { state, context } = crewDuty.status;
    if (state === 'failed' && Date.now() - context.since > failedMs) crewDuty.resume();
    if (round % archiveRounds === 0) await archive.reset({ to: Math.max(0, bus.head - backlogFlights) });
    // The belt of the last minute moves again.
    if (round % beltRounds === 0) await baggage.retry('all', { signal });
    const kept = bus.consumers().find(({ name }) => name === 'customs');
    if (kept === undefined || kept.deadLetters < lettersMax) continue;
    await customs.discard('all', { reason: 'nobody asked for it' });
    await customs.purge();
  }
}
