/** The package as a JavaScript user has it. Run with an empty directory. */
import assert from 'node:assert/strict';
import { openBus } from 'varvebus';

const bus = await openBus({ path: process.argv[2] });
await bus.append('orders', { type: 'Placed', data: { n: 1 } });

const events = [];
for await (const event of bus.read()) events.push(event);
await bus.close();

assert.equal(events.length, 1);
assert.equal(events[0].data.n, 1);
