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

// Whatever was shipped so far, then each new one as soon as it is durable. Run this twice.
for await (const { position, stream, data } of bus.subscribe({ types: ['Shipped'] })) {
  console.log(`event ${position}: ${stream} left by ${data.carrier}`);
  if (stream === order) break;
}

await bus.close();
