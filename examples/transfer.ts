/**
 * Two streams in one commit: money leaves one account and reaches the other, or neither happens.
 */
import { isBusError, openBus } from '#store';

type AccountEvent =
  | { type: 'Opened'; data: { owner: string } }
  | { type: 'Sent'; data: { amount: number; to: string } }
  | { type: 'Received'; data: { amount: number; from: string } };

const bus = await openBus<AccountEvent>({ path: ':memory:' });
await bus.append('ada', { type: 'Opened', data: { owner: 'Ada' } });
await bus.append('ben', { type: 'Opened', data: { owner: 'Ben' } });

await transfer('ada', 'ben', 1);
console.log('first transfer: done');

// Decided on version 1 of both, which has passed: refused as a whole.
await transfer('ada', 'ben', 1).catch((error: unknown) => {
  if (!isBusError(error, 'CONCURRENCY_CONFLICT')) throw error;
  console.log(`second transfer: refused, ${error.detail.stream} is at version ${error.detail.actual}`);
});

for await (const { position, stream, type } of bus.read()) console.log(position, stream, type);
await bus.close();

async function transfer(from: string, to: string, expectedVersion: number): Promise<void> {
  const amount = 25;
  await bus.appendMany([
    { stream: from, expectedVersion, events: { type: 'Sent', data: { amount, to } } },
    { stream: to, expectedVersion, events: { type: 'Received', data: { amount, from } } },
  ]);
}
