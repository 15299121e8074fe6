/** Types of processors, queries and actors, as `npm run typecheck` sees them. Nothing here runs. */
import type { Observable } from 'rxjs';
import { processorLogic, supervise } from '#logic';
import type {
  AppendResult,
  BatchHandler,
  Bus,
  ConsumerInfo,
  DeadLetter,
  EventHandler,
  LagPlace,
  Processor,
  ProcessorStatus,
  QueryDefinition,
  QueryResult,
  StoredEvent,
} from '#store';

type OrderEvent =
  | { type: 'placed'; data: { n: number } }
  | { type: 'paid'; data: { cents: number } }
  | { type: 'closed' };

declare const bus: Bus<OrderEvent>;
declare const anyBus: Bus;

/** Compiles only if `Left` and `Right` are the same type. */
function same<Left, Right>(_is: [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false): void {}

export function aHandlerHasTheEventsOfItsTypes(): void {
  bus.processor({ name: 'all', handle: (event) => same<typeof event, StoredEvent<OrderEvent>>(true) });
  bus.processor({
    name: 'payments',
    types: ['paid'],
    handle: ({ data }, { signal, attempt }) => {
      same<typeof data, { cents: number }>(true);
      same<typeof signal, AbortSignal>(true);
      same<typeof attempt, number>(true);
    },
  });
  bus.processor({
    name: 'batches',
    types: ['paid', 'placed'],
    handleBatch: async (events) => same<(typeof events)[0]['type'], 'paid' | 'placed'>(true),
  });
  bus.processor({
    name: 'answers',
    onFailure: 'park-stream',
    handle: async ({ type }, { append, retryIn, skip }) => {
      if (type === 'closed') return skip('closed');
      same<Awaited<ReturnType<typeof append>>, AppendResult>(true);
      await append('bills', { type: 'paid', data: { cents: 1 } });
      // @ts-expect-error data follows from type here, too
      await append('bills', { type: 'paid', data: { n: 1 } });
      return retryIn(1);
    },
  });
  bus.processor({
    name: 'erased',
    erased: 'include',
    handle: ({ erased }) => same<typeof erased, true | undefined>(true),
  });
  // @ts-expect-error there is no such choice
  bus.processor({ name: 'erased', erased: true, handle: () => undefined });
  // @ts-expect-error there is no such policy
  bus.processor({ name: 'policy', onFailure: 'ignore', handle: () => undefined });
  anyBus.processor({ name: 'any', handle: ({ data }) => data.whatever });

  // @ts-expect-error a handler is needed
  bus.processor({ name: 'none' });
  // @ts-expect-error one handler, not two
  bus.processor({ name: 'two', handle: () => undefined, handleBatch: () => undefined });
  // @ts-expect-error a name is needed
  bus.processor({ handle: () => undefined });
  // @ts-expect-error where to begin
  bus.processor({ name: 'from', from: 'end', handle: () => undefined });
}

export function aHandlerMayBeAModule(): void {
  bus.processor({ name: 'module', types: ['paid'], handler: new URL('file:///handler.js') });
  const handle: EventHandler<OrderEvent, 'paid'> = async ({ data }, { append }) => {
    same<typeof data, { cents: number }>(true);
    await append('s', { type: 'placed', data: { n: 1 } });
    // @ts-expect-error there is no such event
    await append('s', { type: 'unknown' });
  };
  const handleBatch: BatchHandler<OrderEvent> = (events) => same<(typeof events)[0], StoredEvent<OrderEvent>>(true);
  // @ts-expect-error one handler, not two
  bus.processor({ name: 'two', handler: 'file:///handler.js', handle });
  // @ts-expect-error one handler, not two
  bus.processor({ name: 'two', handler: 'file:///handler.js', handleBatch });
}

export async function aHandleShowsAndWaits(processor: Processor): Promise<void> {
  same<typeof processor.status, ProcessorStatus>(true);
  same<typeof processor.state$, Observable<ProcessorStatus>>(true);
  await processor.waitFor('catching-up', { signal: AbortSignal.timeout(1) });
  await processor.reset({ to: 0, until: 5 });
  // @ts-expect-error there is no such state
  await processor.waitFor('sleeping');
  // @ts-expect-error a reset says where to
  await processor.reset({});
}

export async function aDeadLetterHasItsEvent(): Promise<void> {
  for await (const letter of bus.deadLetters('p').list({ type: 'paid' })) {
    same<typeof letter, DeadLetter<OrderEvent>>(true);
    same<(typeof letter)['event'], StoredEvent<OrderEvent>>(true);
  }
  await bus.deadLetters('p').retry({ stream: 'a' });
  // @ts-expect-error a discard has a reason
  await bus.deadLetters('p').discard(1);
}

export async function aQueryHasTheResultOfItsModule(): Promise<void> {
  const query = {
    init: () => 0,
    step: (sum, event) => sum + event.data.cents,
    merge: (first, second) => first + second,
    finish: (sum) => ({ euros: sum / 100 }),
  } satisfies QueryDefinition<number, undefined, { euros: number }, { type: 'paid'; data: { cents: number } }>;
  const result = await bus.query<QueryResult<typeof query>>('file:///totals.js', { types: ['paid'] });
  same<typeof result, { euros: number }>(true);
}

export function logicIsBoundToABus(): void {
  const logic = processorLogic(bus, { name: 'mine', types: ['paid'], handle: ({ data }) => data.cents });
  supervise(logic, { maxRestarts: 3, withinMs: 1000 });
  // @ts-expect-error a supervisor has a bound
  supervise(logic, {});
}

export function aProcessorMayHavePartitionsAndBeWatched(): void {
  const processor = bus.processor({
    name: 'mails',
    partitions: 4,
    stalledMs: 1000,
    maxLag: { events: 10, onExceeded: (lag, place) => same<[typeof lag, typeof place], [number, LagPlace]>(true) },
    handle: () => undefined,
  });
  same<typeof processor, Processor>(true);
  same<ProcessorStatus['partitions'], readonly ProcessorStatus[] | undefined>(true);
  same<ReturnType<typeof bus.consumers>, ConsumerInfo[]>(true);
  // @ts-expect-error a hook is needed
  bus.processor({ name: 'lag', maxLag: { events: 1 }, handle: () => undefined });
}
