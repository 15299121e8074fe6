/** The package as a JavaScript user has it. Run with an empty directory. */
import assert from 'node:assert/strict';
import { openBus } from 'varvebus';
import { processorLogic } from 'varvebus/actors';
import { dashboard } from 'varvebus/dashboard';
import { createActor, toPromise } from 'xstate';

const bus = await openBus({ path: process.argv[2] });
await bus.append('orders', { type: 'Placed', data: { n: 1 } });

const events = [];
for await (const event of bus.read()) events.push(event);

const handled = [];
const processor = bus.processor({ name: 'own', handle: ({ position }) => handled.push(position) });
processor.start();
await processor.caughtUp();
const actor = createActor(processorLogic(bus, { name: 'spawned', handle: () => undefined })).start();
const counting = `data:text/javascript,export const query = {
  init: () => 0, step: (count) => count + 1, merge: (first, second) => first + second };`;
await assert.rejects(bus.query(counting), TypeError);
const { url, close } = await dashboard(bus, { auth: () => true }).listen();
const page = await (await fetch(url)).text();
const [script] = page.match(/assets\/[\w-]+\.js/) ?? [];
const { status } = await fetch(new URL(script, url));
const chart = await fetch(new URL('api/charts/processor', url));
await close();
await bus.close();

assert.equal(events.length, 1);
assert.equal(events[0].data.n, 1);
assert.deepEqual(handled, [1]);
assert.equal((await toPromise(actor)).name, 'spawned');
assert.equal(status, 200);
assert.equal((await chart.json()).id, 'processor');
