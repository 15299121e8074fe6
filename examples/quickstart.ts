import { openBus } from '#store';

type OrderEvent =
  | { type: 'Placed'; data: { item: string; quantity: number } }
  | { type: 'Shipped'; data: { carrier: string } };

const bus = await openBus<OrderEvent>({ path: './orders' });
const order = `order-${Date.now()}`;

// On disk when it resolves. Should another append have been faster, it is refused, and nothing is written.
const lamp: OrderEvent = { type: 'Placed', data: { item: 'lamp', quantity: 2 } };
const { lastVersion } = await bus.append(order, lamp, { expectedVersion: 'no-stream' });
await bus.append(order, { type: 'Shipped', data: { carrier: 'pigeon' } }, { expectedVersion: lastVersion });

for await (const { version, type, data } of bus.readStream(order)) console.log(version, type, data);

// Handles each event at least once, in order. What fails is tried again. Run this twice: it goes on where it was.
const notices = bus.processor({
  name: 'shipping-notices',
  types: ['Shipped'],
  handle: ({ position, data }, { attempt }) => {
    if (attempt === 1) throw new Error('the mail server is busy');
    console.log(`attempt ${attempt}: order of event ${position} left by ${data.carrier}`);
  },
});
notices.start();
await notices.caughtUp();

const { state, context } = notices.status;
console.log(`${notices.name}: ${state}, everything up to event ${context.position} is handled`);
await bus.close();
