/**
 * What the compiler says of the public types. Nothing here runs: `npm run typecheck` and `npm run typecheck:6` are the
 * test, and a `@ts-expect-error` that finds no error is one.
 */
import type { Observable } from 'rxjs';
import {
  type AppendResult,
  type Bus,
  BusError,
  detach,
  type ErrorCode,
  isBusError,
  type limits,
  type NewEvent,
  openBus,
  type Pages,
  type StoredEvent,
} from '#store';

type Same<Left, Right> = (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false;

/** Compiles when both types are the same. */
declare function same<Left, Right>(isSame: Same<Left, Right>): void;

type OrderEvent =
  | { type: 'placed'; data: { items: string[] } }
  | { type: 'paid'; data: { cents: number } }
  | { type: 'noted'; data?: { text: string } }
  | { type: 'closed' };

declare const bus: Bus<OrderEvent>;
declare const anyBus: Bus;

export async function appendFollowsTheUnion(): Promise<void> {
  await bus.append('order-1', { type: 'placed', data: { items: ['pen'] } });
  await bus.append('order-1', [
    { type: 'paid', data: { cents: 100 }, id: 'mine', metadata: { by: 'ann' } },
    { type: 'noted' },
    { type: 'noted', data: { text: 'x' } },
    { type: 'closed' },
  ]);
  const events: readonly NewEvent<OrderEvent>[] = [{ type: 'closed' }];
  same<Awaited<ReturnType<typeof bus.append>>, AppendResult>(true);
  await bus.append('order-1', events, { expectedVersion: 3, idempotencyKey: 'k', metadata: { by: 'ann' } });
  await bus.append('order-1', events, { expectedVersion: 'no-stream' });

  // @ts-expect-error data of another type of event
  await bus.append('order-1', { type: 'placed', data: { cents: 100 } });
  // @ts-expect-error data is missing
  await bus.append('order-1', { type: 'paid' });
  // @ts-expect-error a type that is not in the union
  await bus.append('order-1', { type: 'shipped' });
  // @ts-expect-error an event without a type
  await bus.append('order-1', { data: { cents: 100 } });
  // @ts-expect-error one wrong event among right ones
  await bus.append('order-1', [{ type: 'closed' }, { type: 'paid', data: {} }]);
  // @ts-expect-error a property that events do not have
  await bus.append('order-1', { type: 'closed', stream: 'order-1' });
  // @ts-expect-error metadata that is not an object
  await bus.append('order-1', { type: 'closed', metadata: 'ann' });
  // @ts-expect-error a version that is none
  await bus.append('order-1', events, { expectedVersion: 'latest' });
  // @ts-expect-error an option that append does not have
  await bus.append('order-1', events, { expectVersion: 3 });
}

export async function appendManyFollowsTheUnion(): Promise<void> {
  const results = await bus.appendMany([
    { stream: 'order-1', events: { type: 'paid', data: { cents: 1 } }, expectedVersion: 1 },
    { stream: 'order-2', events: [{ type: 'closed' }] },
  ]);
  same<typeof results, AppendResult[]>(true);

  // @ts-expect-error data of another type of event
  await bus.appendMany([{ stream: 'order-1', events: { type: 'paid', data: { items: [] } } }]);
  // @ts-expect-error the expected version belongs to each stream, not to the call
  await bus.appendMany([{ stream: 'order-1', events: [{ type: 'closed' }] }], { expectedVersion: 1 });
}

export async function eventsNarrowByTheirType(): Promise<void> {
  for await (const event of bus.read()) {
    same<typeof event, StoredEvent<OrderEvent>>(true);
    if (event.type === 'placed') same<typeof event.data, { items: string[] }>(true);
    else if (event.type === 'paid') same<typeof event.data, { cents: number }>(true);
    else if (event.type === 'noted') same<typeof event.data, { text: string } | undefined>(true);
    else same<typeof event.type, 'closed'>(true);
    same<typeof event.position, number>(true);
    // @ts-expect-error before its type is known, data may be any of the union's
    event.data.items;
    // @ts-expect-error events are read-only
    event.version = 2;
  }
  const event = await bus.event(1);
  if (event?.type === 'paid') same<typeof event.data, { cents: number }>(true);
  // @ts-expect-error there may be no event at this position
  event.type;
  for await (const stored of bus.readStream('order-1')) same<typeof stored, StoredEvent<OrderEvent>>(true);
  for await (const page of bus.read().pages()) same<typeof page, StoredEvent<OrderEvent>[]>(true);
}

export async function aFilterOfTypesNarrowsTheEvents(): Promise<void> {
  for await (const event of bus.read({ types: ['paid'] })) {
    same<typeof event.type, 'paid'>(true);
    same<typeof event.data, { cents: number }>(true);
  }
  for await (const event of bus.subscribe({ types: ['paid', 'placed'], after: 3 })) {
    same<typeof event.type, 'paid' | 'placed'>(true);
  }
  const types: readonly string[] = ['paid'];
  for await (const event of bus.read({ types })) same<typeof event, StoredEvent<OrderEvent>>(true);
  const none: Pages<never> = bus.read({ types: ['not of this union'] });
  for await (const page of bus.subscribe({ types: ['closed'] }).pages()) same<(typeof page)[0]['type'], 'closed'>(true);
  void none;

  // @ts-expect-error types is an array
  bus.read({ types: 'paid' });
  // @ts-expect-error a subscription starts behind a position
  bus.subscribe({ from: 3 });
  // @ts-expect-error a stream is read whole: a filter by type is for read
  bus.readStream('order-1', { types: ['paid'] });
}

export async function aBusWithoutAUnionTakesAnything(): Promise<void> {
  await anyBus.append('a', [{ type: 'x' }, { type: 'y', data: 7 }]);
  for await (const event of anyBus.read({ types: ['x'] })) {
    same<typeof event.type, string>(true);
    event.data.anything.at.all;
  }
  // @ts-expect-error an event has a type
  await anyBus.append('a', { data: 7 });
}

export async function openBusNamesTheUnion(): Promise<void> {
  const opened = await openBus<OrderEvent>({ path: ':memory:', durability: 'os', clock: () => 0, inline: true });
  same<typeof opened, Bus<OrderEvent>>(true);
  const untyped = await openBus({ path: ':memory:' });
  same<typeof untyped, Bus>(true);
  same<typeof opened.head, number>(true);
  same<typeof opened.head$, Observable<number>>(true);
  await using disposed = opened;
  void disposed;

  // @ts-expect-error a path is needed
  await openBus({});
  // @ts-expect-error a durability that is none
  await openBus({ path: 'x', durability: 'memory' });
  // @ts-expect-error a union's members have a type
  await openBus<{ kind: 'placed' }>({ path: 'x' });
}

export function errorsAreTypedByTheirCode(error: unknown): void {
  if (isBusError(error, 'CONCURRENCY_CONFLICT')) {
    same<typeof error.detail.actual, number>(true);
    same<typeof error.detail.expected, number | 'no-stream' | 'stream-exists'>(true);
  }
  const full = new BusError('STORE_FULL', 'no space', { path: 'x' });
  same<typeof full.code, 'STORE_FULL'>(true);
  same<BusError['code'], ErrorCode>(true);
  // @ts-expect-error the detail belongs to the code
  new BusError('STORE_FULL', 'no space', { stream: 'x' });
  // @ts-expect-error a code that does not exist
  isBusError(error, 'CONFLICT');
}

export function detachKeepsTheType(event: StoredEvent<OrderEvent>): void {
  const kept = detach(event);
  same<typeof kept, StoredEvent<OrderEvent>>(true);
  same<typeof limits.callEventsMax, 10_000>(true);
}
