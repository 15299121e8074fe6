/**
 * A payment saga with a timeout: an order that is placed has a while to be paid, or it is cancelled.
 *
 * The timeout is a timer with a key, on disk beside the events. A handler may be called again with the same event after a
 * crash: to schedule with the same key, and to cancel twice, does no harm. What happened is decided by the order's own
 * stream: whoever comes first, the payment or the timeout, has its say.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, isBusError, openBus } from '#store';

type OrderEvent =
  | { type: 'Placed'; data: { cents: number } }
  | { type: 'Paid'; data: { cents: number } }
  | { type: 'PaymentTimedOut' }
  | { type: 'Confirmed' }
  | { type: 'Cancelled'; data: { reason: string } };

const timeoutMs = 300;
const directory = mkdtempSync(join(tmpdir(), 'payment-saga-'));
const path = join(directory, 'store');
try {
  await firstDay();
  await nextDay();
} finally {
  rmSync(directory, { recursive: true });
}

/** Three orders are placed. One is paid in time, one is not, and of the third nobody knows yet when the program ends. */
async function firstDay(): Promise<void> {
  const bus = await openBus<OrderEvent>({ path });
  const saga = startSaga(bus);
  await bus.append('order-1', { type: 'Placed', data: { cents: 1200 } });
  await bus.append('order-2', { type: 'Placed', data: { cents: 500 } });
  await bus.append('order-1', { type: 'Paid', data: { cents: 1200 } });
  await ended(bus, 'order-2');

  await bus.append('order-3', { type: 'Placed', data: { cents: 900 } });
  await saga.caughtUp();
  for await (const { stream, type } of bus.timers()) console.log(`the program ends; ${stream} waits for ${type}`);
  await bus.close();
}

/** The timer of the third order is late, and fires when the store is opened. */
async function nextDay(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, timeoutMs));
  const bus = await openBus<OrderEvent>({ path });
  startSaga(bus);
  await ended(bus, 'order-3');

  for (const order of ['order-1', 'order-2', 'order-3']) {
    const types: string[] = [];
    for await (const { type } of bus.readStream(order)) types.push(type);
    console.log(`${order}: ${types.join(', ')}`);
  }
  await bus.close();
}

function startSaga(bus: Bus<OrderEvent>) {
  const saga = bus.processor({
    name: 'payment-saga',
    types: ['Placed', 'Paid', 'PaymentTimedOut'],
    handle: async ({ type, stream: order }) => {
      const key = `payment-of-${order}`;
      if (type === 'Placed') await bus.schedule(order, { type: 'PaymentTimedOut' }, { delayMs: timeoutMs, key });
      else if (type === 'PaymentTimedOut') await end(bus, order, { type: 'Cancelled', data: { reason: 'not paid' } });
      else {
        await bus.cancelTimer(key);
        await end(bus, order, { type: 'Confirmed' });
      }
    },
  });
  saga.start();
  return saga;
}

/** Ends an order, unless it has ended: then the same event was handled before, or the other one was faster. */
async function end(bus: Bus<OrderEvent>, order: string, event: OrderEvent): Promise<void> {
  let version = 0;
  for await (const past of bus.readStream(order)) {
    if (past.type === 'Confirmed' || past.type === 'Cancelled') return;
    version = past.version;
  }
  try {
    await bus.append(order, event, { expectedVersion: version });
  } catch (error) {
    if (!isBusError(error, 'CONCURRENCY_CONFLICT')) throw error;
    await end(bus, order, event);
  }
}

/** Waits until `order` has ended. */
async function ended(bus: Bus<OrderEvent>, order: string): Promise<void> {
  const ends = bus.subscribe({ types: ['Confirmed', 'Cancelled'], streams: [order] });
  for await (const _ of ends) return;
}
