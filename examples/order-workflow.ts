/**
 * The workflow of an order in a machine of your own. The statechart says what may happen to an order, and nothing else; the
 * log keeps what has happened; an aggregate lets through what the chart allows. Two processors do the work: whatever is
 * interrupted goes on after a restart, and a step that is done again is found out by its key.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assign, createActor, createMachine, setup, toPromise, transition } from 'xstate';
import { processorLogic } from '#logic';
import { openBus } from '#store';

type OrderEvent =
  | { type: 'Placed'; data: { item: string; cents: number } }
  | { type: 'Paid'; data: { receipt: string } }
  | { type: 'Declined'; data: { reason: string } }
  | { type: 'Shipped'; data: { parcel: number } };

const lifeOfAnOrder = createMachine({
  initial: 'new',
  states: {
    new: { on: { Placed: 'placed' } },
    placed: { on: { Paid: 'paid', Declined: 'cancelled' } },
    paid: { on: { Shipped: 'shipped' } },
    shipped: {},
    cancelled: {},
  },
});

interface Order {
  readonly status: string;
  readonly cents: number;
}

const directory = mkdtempSync(join(tmpdir(), 'order-workflow-'));
const bus = await openBus<OrderEvent>({ path: join(directory, 'store') });

/** A command is the event that is asked for. */
const orders = bus.aggregate({
  name: 'order',
  initial: { status: 'new', cents: 0 } as Order,
  evolve: (order, event) => ({
    status: String(transition(lifeOfAnOrder, at(order), event)[0].value),
    cents: event.type === 'Placed' ? event.data.cents : order.cents,
  }),
  decide: (order, wanted: OrderEvent) => {
    if (!at(order).can(wanted)) throw new Error(`an order that is ${order.status} can't be ${wanted.type}`);
    return wanted;
  },
  snapshot: { every: 100 },
});

function at({ status }: Order) {
  return lifeOfAnOrder.resolveState({ value: status, context: {} });
}

/** Charges what was placed. Comes again after a crash: the key makes the second time find the first one's outcome. */
const cashier = processorLogic(bus, {
  name: 'cashier',
  types: ['Placed'],
  handle: async ({ stream, position, data: { item, cents } }) => {
    const outcome: OrderEvent =
      cents <= 10_000
        ? { type: 'Paid', data: { receipt: `${item} for ${cents} cents` } }
        : { type: 'Declined', data: { reason: 'no credit' } };
    await orders.execute(idOf(stream), outcome, { idempotencyKey: `charge ${position}` });
  },
});

const packer = processorLogic(bus, {
  name: 'packer',
  types: ['Paid'],
  handle: async ({ stream, position }) => {
    const shipped: OrderEvent = { type: 'Shipped', data: { parcel: position } };
    await orders.execute(idOf(stream), shipped, { idempotencyKey: `pack ${position}` });
  },
});

function idOf(stream: string): string {
  return stream.slice('order-'.length);
}

/** Your machine: the two at work, until every order has come to its end. */
const shopMachine = setup({
  types: { context: {} as { ended: number }, events: {} as { type: 'ENDED' } },
  actors: { cashier, packer },
  guards: { isAllEnded: ({ context }) => context.ended === 2 },
}).createMachine({
  context: { ended: 0 },
  invoke: [{ src: 'cashier' }, { src: 'packer' }],
  initial: 'open',
  states: {
    open: {
      on: { ENDED: { actions: assign({ ended: ({ context }) => context.ended + 1 }) } },
      always: { guard: 'isAllEnded', target: 'closed' },
    },
    closed: { type: 'final' },
  },
});

const shop = createActor(shopMachine).start();
bus.on(['Shipped', 'Declined'], () => shop.send({ type: 'ENDED' }));
try {
  await bus.run({ metadata: { user: 'ann' } }, async () => {
    await orders.execute('1', { type: 'Placed', data: { item: 'lamp', cents: 4_900 } });
    await orders.execute('2', { type: 'Placed', data: { item: 'piano', cents: 890_000 } });
  });
  await toPromise(shop);
  for (const id of ['1', '2']) console.log(`order ${id}: ${(await orders.load(id)).state.status}`);
  const refused = orders.execute('2', { type: 'Shipped', data: { parcel: 7 } });
  await refused.catch((error: Error) => console.log(`refused: ${error.message}`));
} finally {
  await bus.close();
  rmSync(directory, { recursive: true });
}
