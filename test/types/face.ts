/** Types of publishing, listening, schemas and aggregates, as `npm run typecheck` sees them. Nothing here runs. */
import { type } from 'arktype';
import type { Observable } from 'rxjs';
import * as v from 'valibot';
import { z } from 'zod';
import {
  type Aggregate,
  type AppendResult,
  type Bus,
  type BusView,
  type EventsOf,
  type LiveSubscription,
  openBus,
  type StoredEvent,
} from '#store';

type OrderEvent =
  | { type: 'placed'; data: { items: string[] } }
  | { type: 'paid'; data: { cents: number } }
  | { type: 'closed' };

declare const bus: Bus<OrderEvent>;
declare const anyBus: Bus;

/** Compiles only if `Left` and `Right` are the same type. */
function same<Left, Right>(_is: [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false): void {}

export async function publishFollowsTheUnion(): Promise<void> {
  const result = await bus.publish([{ type: 'paid', data: { cents: 1 } }, { type: 'closed' }], { stream: 'a' });
  same<typeof result, AppendResult>(true);
  const view = bus.with({ metadata: { by: 'ann' } });
  same<typeof view, BusView<OrderEvent>>(true);
  await view.append('a', { type: 'closed' }, { expectedVersion: 3 });
  same<number, ReturnType<typeof numberInScope>>(true);

  // @ts-expect-error data of another type of event
  await bus.publish({ type: 'paid', data: { items: [] } });
  // @ts-expect-error a type that the union does not have
  await view.publish({ type: 'sent' });
  // @ts-expect-error what is published has no expected version
  await bus.publish({ type: 'closed' }, { expectedVersion: 3 });
  // @ts-expect-error metadata is an object
  bus.with({ metadata: 'ann' });
  // @ts-expect-error a view has nothing to close
  view.close();
}

const numberInScope = () => bus.run({ metadata: {} }, () => 7);

export function listenersNarrowByTheirType(): void {
  const subscription = bus.on('paid', (event) => {
    same<typeof event, StoredEvent<{ type: 'paid'; data: { cents: number } }>>(true);
  });
  same<typeof subscription, LiveSubscription>(true);
  bus.on(['paid', 'closed'], async (event) => same<typeof event.type, 'paid' | 'closed'>(true), {
    overflow: { coalesceBy: (event) => event.stream },
  });
  bus.on(
    (event) => event.position > 7,
    (event) => same<typeof event, StoredEvent<OrderEvent>>(true),
  );
  // The compiler tells by itself what such a function lets through.
  bus.on(
    (event) => event.type === 'paid',
    (event) => same<typeof event.data.cents, number>(true),
  );
  anyBus.on('whatever', ({ data }) => data.anything.at.all);
  same<typeof bus.events$, Observable<StoredEvent<OrderEvent>>>(true);
  bus.events({ types: ['placed'] }).subscribe(({ data }) => same<typeof data, { items: string[] }>(true));

  // @ts-expect-error a type that the union does not have
  bus.on('sent', () => undefined);
  // @ts-expect-error data of another type
  bus.on('paid', ({ data }) => data.items);
  // @ts-expect-error an overflow that is none
  bus.on('paid', () => undefined, { overflow: 'drop-newest' });
  // @ts-expect-error observables are left by unsubscribing
  bus.events({ signal: AbortSignal.abort() });
}

const schemas = {
  placed: z.object({ items: z.array(z.string()).default([]) }),
  paid: v.object({ cents: v.number() }),
  closed: type({ 'reason?': 'string' }),
};

export async function schemasGiveTheUnion(): Promise<void> {
  type Events = EventsOf<typeof schemas>;
  same<Events['type'], 'placed' | 'paid' | 'closed'>(true);
  same<Extract<Events, { type: 'placed' }>['data'], { items: string[] }>(true);
  same<Extract<Events, { type: 'paid' }>['data'], { cents: number }>(true);
  same<Extract<Events, { type: 'closed' }>['data'], { reason?: string }>(true);
  const checked = await openBus({ path: ':memory:', schemas });
  same<typeof checked, Bus<Events>>(true);
  const named = await openBus<OrderEvent>({ path: ':memory:', schemas });
  same<typeof named, Bus<OrderEvent>>(true);
  await checked.publish({ type: 'paid', data: { cents: 1 } });

  // @ts-expect-error data that is not what the schema gives
  await checked.publish({ type: 'paid', data: { cents: 'one' } });
  // @ts-expect-error a type without a schema
  await checked.publish({ type: 'sent' });
  // @ts-expect-error a schema has the Standard Schema interface
  await openBus({ path: ':memory:', schemas: { paid: { parse: () => 7 } } });
}

export async function aggregatesInferStateAndCommand(): Promise<void> {
  const order = bus.aggregate({
    name: 'order',
    initial: () => ({ isClosed: false, cents: 0 }),
    evolve: (state, event) => {
      same<typeof event, StoredEvent<OrderEvent>>(true);
      return event.type === 'paid' ? { ...state, cents: state.cents + event.data.cents } : state;
    },
    decide: (state, command: 'close' | { readonly pay: number }) => {
      if (state.isClosed) return;
      if (command === 'close') return { type: 'closed' };
      return [{ type: 'paid', data: { cents: command.pay } }];
    },
  });
  same<typeof order, Aggregate<{ isClosed: boolean; cents: number }, 'close' | { readonly pay: number }>>(true);
  const { state, appended } = await order.execute('1', { pay: 3 }, { idempotencyKey: 'k' });
  same<typeof state, { isClosed: boolean; cents: number }>(true);
  same<typeof appended, AppendResult | undefined>(true);

  // @ts-expect-error a command that it does not have
  await order.execute('1', 'open');
  // @ts-expect-error an event that the union does not have
  bus.aggregate({ name: 'x', initial: 0, evolve: (n) => n, decide: () => ({ type: 'sent' }) });
  // @ts-expect-error the state is what it was at first
  bus.aggregate({ name: 'x', initial: 0, evolve: () => 'one', decide: () => undefined });
}
