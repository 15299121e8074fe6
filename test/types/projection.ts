/** Types of projections, as `npm run typecheck` sees them. Nothing here runs. */
import type { Observable } from 'rxjs';
import type {
  Bus,
  ErasedPart,
  ErasureReceipt,
  Pages,
  ProjectionEntry,
  ProjectionOptions,
  ProjectionView,
  StoredEvent,
} from '#store';

type OrderEvent =
  | { type: 'placed'; data: { n: number } }
  | { type: 'paid'; data: { cents: number } }
  | { type: 'closed' };

interface Order {
  cents: number;
}

declare const bus: Bus<OrderEvent>;
declare const anyBus: Bus;

/** Compiles only if `Left` and `Right` are the same type. */
function same<Left, Right>(_is: [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false): void {}

export function aHandlerHasTheEventOfItsType(): void {
  bus.projection<Order>({
    name: 'orders',
    version: 1,
    on: {
      placed(view, event) {
        same<typeof view, ProjectionView<Order>>(true);
        same<typeof event.data, { n: number }>(true);
        same<typeof event, StoredEvent<Extract<OrderEvent, { type: 'placed' }>>>(true);
      },
      paid: (view, { stream, data }) => view.update(stream, (order) => ({ cents: (order?.cents ?? 0) + data.cents })),
      closed: (view, { stream }) => view.delete(stream),
    },
    prefix: 'order-',
    onFailure: 'dead-letter',
    retry: { attempts: 3 },
  });
  bus.projection<Order>({
    name: 'orders',
    version: 1,
    on: { closed: (view, { stream }) => view.delete(stream) },
    sealed: true,
    onErased(view, erased) {
      same<typeof view, ProjectionView<Order>>(true);
      same<typeof erased, ErasedPart>(true);
      if (erased.stream !== undefined) view.delete(erased.stream);
    },
  });
  anyBus.projection({ name: 'any', version: 1, on: { whatever: (view, { data }) => view.set(data.key, data.value) } });

  // @ts-expect-error there are no such events
  bus.projection({ name: 'p', version: 1, on: { refunded: () => undefined } });
  // @ts-expect-error data is that of the type
  bus.projection({ name: 'p', version: 1, on: { placed: (view, { data }) => view.set('a', data.cents) } });
  // @ts-expect-error the value is an order
  bus.projection<Order>({ name: 'p', version: 1, on: { placed: (view) => view.set('a', 5) } });
  // @ts-expect-error handlers are synchronous
  bus.projection({ name: 'p', version: 1, on: { placed: async () => undefined } });
  // @ts-expect-error handlers are synchronous
  bus.projection({ name: 'p', version: 1, on: { placed: () => Promise.resolve() } });
  // @ts-expect-error a version is needed
  bus.projection({ name: 'p', on: { placed: () => undefined } });
  // @ts-expect-error corrections are synchronous
  bus.projection({ name: 'p', version: 1, on: {}, onErased: async () => undefined });
  // @ts-expect-error it begins at the beginning
  bus.projection({ name: 'p', version: 1, from: 'now', on: { placed: () => undefined } });
  // @ts-expect-error types follow from the handlers
  bus.projection({ name: 'p', version: 1, types: ['placed'], on: { placed: () => undefined } });
}

export async function aViewHasTheValues(options: ProjectionOptions<OrderEvent, Order>): Promise<void> {
  const projection = bus.projection(options);
  same<Awaited<ReturnType<typeof projection.get>>, Order | undefined>(true);
  await projection.waitFor('live');
  await projection.waitFor(5, { signal: AbortSignal.timeout(1) });
  // @ts-expect-error there is no such state
  await projection.waitFor('sleeping');

  const view = bus.view<Order>('orders');
  same<ReturnType<typeof view.watch>, Observable<Order | undefined>>(true);
  same<ReturnType<typeof view.range>, Pages<ProjectionEntry<Order>>>(true);
  for await (const { key, value } of view.range({ prefix: 'a', reverse: true, limit: 3 })) {
    same<[typeof key, typeof value], [string, Order]>(true);
  }
  same<Awaited<ReturnType<ReturnType<typeof bus.view>['get']>>, unknown>(true);
}

export async function aReceiptSaysWhatIsLeft(): Promise<void> {
  const receipt = await bus.erase({ stream: 'order-1' }, { signal: AbortSignal.timeout(1) });
  same<typeof receipt, ErasureReceipt>(true);
  for (const { name, state } of receipt.projections) {
    same<[typeof name, typeof state], [string, 'corrected' | 'rebuilt' | 'pending']>(true);
  }
  if ('subject' in receipt.what) same<typeof receipt.what.subject, string>(true);
  // @ts-expect-error one of both
  await bus.erase({ stream: 'order-1', subject: 'person-1' });
  // @ts-expect-error one of both
  await bus.erase({});
}
