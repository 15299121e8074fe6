/** Types of timers, as `npm run typecheck` sees them. Nothing here runs. */
import type { Bus, PendingTimer, ScheduledTimer, ScheduleOptions } from '#store';

type OrderEvent =
  | { type: 'placed'; data: { items: string[] } }
  | { type: 'paid'; data: { cents: number } }
  | { type: 'closed' };

declare const bus: Bus<OrderEvent>;
declare const anyBus: Bus;

/** Compiles only if `Left` and `Right` are the same type. */
function same<Left, Right>(_is: [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false): void {}

export async function scheduleFollowsTheUnion(): Promise<void> {
  const timer = await bus.schedule('order-1', { type: 'closed' }, { delayMs: 5 });
  same<typeof timer, ScheduledTimer>(true);
  await bus.schedule(
    'order-1',
    { type: 'paid', data: { cents: 1 } },
    { at: new Date(), key: 'k', metadata: { by: 'me' } },
  );
  await bus.schedule('order-1', { type: 'closed' }, { at: 5, signal: AbortSignal.timeout(1) });
  await anyBus.schedule('a', { type: 'x', data: 7 }, { delayMs: 0 });
  const options: ScheduleOptions = { delayMs: 5 };
  void options;

  // @ts-expect-error data of another type of event
  await bus.schedule('order-1', { type: 'placed', data: { cents: 1 } }, { delayMs: 5 });
  // @ts-expect-error a type that is not in the union
  await bus.schedule('order-1', { type: 'shipped' }, { delayMs: 5 });
  // @ts-expect-error one event, not several
  await bus.schedule('order-1', [{ type: 'closed' }], { delayMs: 5 });
  // @ts-expect-error a time is needed
  await bus.schedule('order-1', { type: 'closed' }, { key: 'k' });
  // @ts-expect-error one time, not two
  await bus.schedule('order-1', { type: 'closed' }, { at: 5, delayMs: 5 });
  // @ts-expect-error a time is a Date or a number
  await bus.schedule('order-1', { type: 'closed' }, { at: '2026-01-01' });
}

export async function pendingTimersNarrowByTheirType(): Promise<void> {
  same<boolean, Awaited<ReturnType<typeof bus.cancelTimer>>>(true);
  for await (const timer of bus.timers({ from: new Date(), to: 5, limit: 3 })) {
    same<typeof timer, PendingTimer<OrderEvent>>(true);
    if (timer.type === 'placed') same<typeof timer.data, { items: string[] }>(true);
  }
  for await (const page of anyBus.timers().pages()) same<typeof page, PendingTimer[]>(true);
}
