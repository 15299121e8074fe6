/** The package as a TypeScript user has it: events as a union, narrowed by their type. Run with an empty directory. */
import assert from 'node:assert/strict';
import { openBus } from 'varvebus';
import { dashboard } from 'varvebus/dashboard';

type Events =
  | { readonly type: 'Placed'; readonly data: { readonly n: number } }
  | { readonly type: 'Cancelled'; readonly data: { readonly reason: string } };

const bus = await openBus<Events>({ path: process.argv[2] ?? '' });
await bus.append('orders', { type: 'Placed', data: { n: 1 } });

const numbers: number[] = [];
const reasons: string[] = [];
for await (const event of bus.read()) {
  if (event.type === 'Placed') numbers.push(event.data.n);
  else reasons.push(event.data.reason);
}
await bus.close();

assert.deepEqual(numbers, [1]);
assert.deepEqual(reasons, []);

/** Never called: for the compiler to refuse. */
export async function refused(): Promise<void> {
  // @ts-expect-error: this data belongs to another type.
  await bus.append('orders', { type: 'Placed', data: { reason: 'late' } });
  // @ts-expect-error: there is no such order.
  dashboard(bus, { allowActions: ['launch'] });
  dashboard(bus, { redact: (event) => (event.type === 'Placed' ? undefined : event) });
  // @ts-expect-error: no event of the union has this type.
  await bus.append('orders', { type: 'Lost', data: {} });
}
