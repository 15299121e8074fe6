/**
 * Parts of varvebus as actors in a machine of your own: a processor and the way to the writer run beside your actors, under
 * your states, and whoever needs one finds it by its systemId. Their store is bound to their logic: snapshots stay plain JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assign, createActor, fromCallback, sendTo, setup, toPromise } from 'xstate';
import { type Appended, type AppendRefused, processorLogic, supervise, writerLogic } from '#logic';
import { openBus } from '#store';

type OrderEvent = { type: 'Placed'; data: { item: string } };
type ShopEvent = { type: 'ORDER'; item: string } | { type: 'PACKED' } | Appended | AppendRefused;

const directory = mkdtempSync(join(tmpdir(), 'spawn-in-your-machine-'));
const bus = await openBus<OrderEvent>({ path: join(directory, 'store') });

/** Hears of each order that is on disk, and tells the shop; the cursor is saved under its name. */
const packing = processorLogic(bus, {
  name: 'packing',
  handle: ({ position, data: { item } }) => {
    console.log(`packing ${item}, event ${position}`);
    shop.send({ type: 'PACKED' });
  },
});

/** An actor of yours that breaks now and then: it is started again by its supervisor. */
let starts = 0;
const radio = fromCallback(() => {
  starts++;
  if (starts < 3) throw new Error('no signal');
  console.log(`the radio plays, started ${starts} times`);
});

const shopMachine = setup({
  types: { context: {} as { packed: number }, events: {} as ShopEvent },
  actors: {
    packing,
    writer: writerLogic(bus),
    radio: supervise(radio, { maxRestarts: 5, withinMs: 60_000, backoff: { minMs: 1 } }),
  },
  actions: {
    order: sendTo(
      ({ system }) => system.get('writer'),
      ({ event, self }) => ({
        type: 'APPEND',
        appends: [{ stream: 'orders', events: { type: 'Placed', data: { item: 'item' in event ? event.item : '' } } }],
        replyTo: self,
      }),
    ),
    countPacked: assign({ packed: ({ context }) => context.packed + 1 }),
    stopPacking: sendTo('packing', { type: 'STOP' }),
  },
  guards: { isAllPacked: ({ context }) => context.packed === 2 },
}).createMachine({
  context: { packed: 0 },
  invoke: [
    { src: 'packing', id: 'packing', systemId: 'packing', onDone: '.closed' },
    { src: 'writer', systemId: 'writer' },
    { src: 'radio', systemId: 'radio' },
  ],
  initial: 'open',
  states: {
    open: {
      on: {
        ORDER: { actions: 'order' },
        appended: { actions: ({ event }) => console.log(`on disk: event ${event.results[0]?.firstPosition}`) },
        'append.refused': { actions: ({ event }) => console.error(event.error) },
        PACKED: { actions: 'countPacked' },
      },
      always: { guard: 'isAllPacked', target: 'closing' },
    },
    closing: { entry: 'stopPacking' },
    closed: { type: 'final' },
  },
  output: ({ context }) => context.packed,
});

const shop = createActor(shopMachine);
try {
  shop.start();
  shop.send({ type: 'ORDER', item: 'lamp' });
  shop.send({ type: 'ORDER', item: 'chair' });
  console.log(`packed ${await toPromise(shop)} orders`);
} finally {
  await bus.close();
  rmSync(directory, { recursive: true });
}
