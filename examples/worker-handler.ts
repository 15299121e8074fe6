/**
 * A handler that needs the processor for itself: it runs in a worker thread, and this one stays free for others.
 *
 * One of the numbers would take minutes. Its call, and the thread with it, is ended after half a second, its event goes to the dead
 * letters, and the next numbers are not kept waiting. See factors.handler.ts for what runs in the thread.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isBusError, openBus } from '#store';
import type { NumberEvent } from './factors.handler.ts';

const bus = await openBus<NumberEvent>({ path: './numbers' });
bus.errors$.subscribe((error) => {
  if (!isBusError(error, 'EVENT_GIVEN_UP')) throw error;
  console.log(`given up: the question at position ${error.detail.position}`);
});

const processor = bus.processor({
  name: 'factors',
  types: ['Asked'],
  handler: new URL('./factors.handler.ts', import.meta.url),
  timeoutMs: 500,
  retry: { attempts: 0 },
  onFailure: 'dead-letter',
});
processor.start();

// 99,991 is prime. So is the last but one, the largest prime below 2^64.
const numbers = [84n, 1_000_000n, 99_991n * 99_991n, 18_446_744_073_709_551_557n, 97n];
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
for (const number of numbers) await bus.append(`number-${number}`, { type: 'Asked', data: { number } });
await processor.caughtUp();
delay.disable();
await processor.close();

for (const number of numbers) {
  for await (const event of bus.readStream(`number-${number}`)) {
    if (event.type === 'Answered') console.log(`${number} = ${event.data.factors.join(' * ')}`);
  }
}
for await (const { position, error } of bus.deadLetters('factors').list()) {
  console.log(`dead letter at ${position}: ${error.message}`);
}
const isFree = delay.percentile(50) / 1e6 < 10;
console.log(`meanwhile the main thread was ${isFree ? 'free' : 'busy'}`);
await bus.close();
