/** Handlers in worker threads: what holds for handlers in the main thread, and what becomes of a thread that is lost. */
import { threadId } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { collect } from '../kit/collect.ts';
import { fakeProcessors } from '../kit/processor-store-fake.ts';
import { tempBus, tempStore } from '../kit/temp-store.ts';
import type { Scripted } from './handler-modules/scripted.ts';
import { threadBus } from './handler-modules/thread-bus.ts';
import { handlerUrl } from './handler-modules/url.ts';
import { filledStore, tempPool } from './query-modules/filled-store.ts';
import { moduleUrl } from './query-modules/module-url.ts';

const handler = handlerUrl('scripted');
const retry = { attempts: 1, minMs: 1, maxMs: 1 };
const name = 'p';
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test('a handler in a thread is given every event in order, one at a time, in another thread', async () => {
  const { bus, logged, called, tell } = await threadBus();
  await tell(Array.from({ length: 300 }, (_, index) => (index % 50 === 0 ? 'wait' : 'nothing')));
  const processor = bus.processor({ name, handler });

  processor.start();
  await processor.caughtUp();

  expect(called()).toEqual(Array.from({ length: 300 }, (_, index) => `${index + 1}:1`));
  expect(logged.some(({ fields }) => fields.thread === threadId)).toBe(false);
  expect(processor.status.context).toMatchObject({ handled: 300, position: 300 });
});

test('a handler in a thread goes on live, and after a restart from its cursor', async () => {
  const { bus, called, tell } = await threadBus();
  const first = bus.processor({ name, handler: handler.href });
  first.start();
  await tell(['nothing', 'nothing']);
  await first.caughtUp();
  await tell(['nothing']);
  await first.caughtUp();
  await first.close();

  await tell(['nothing']);
  const second = bus.processor({ name, handler });
  second.start();
  await second.caughtUp();

  expect(called()).toEqual(['1:1', '2:1', '3:1', '4:1']);
});

test('partitions of a handler in threads share the streams out, each event handled once', async () => {
  const { bus, called, tell } = await threadBus();
  await tell(Array.from({ length: 20 }, () => 'nothing'));
  for (let at = 0; at < 20; at++) await bus.append(`stream-${at}`, { type: 'told', data: { act: 'nothing' } });
  const processor = bus.processor({ name, partitions: 3, handler });

  processor.start();
  await processor.caughtUp();

  const positions = called().map((call) => Number(call.split(':')[0]));
  expect(positions.toSorted((first, second) => first - second)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
  expect(processor.status.context.handled).toBe(40);
});

test('the filter of a processor holds in a thread', async () => {
  const { bus, called, tell } = await threadBus();
  await tell(Array.from({ length: 20 }, () => 'nothing'));
  const processor = bus.processor({ name, handler, streams: ['s3', 's7'] });

  processor.start();
  await processor.caughtUp();

  expect(called()).toEqual(['4:1', '8:1']);
  expect(processor.status.context).toMatchObject({ handled: 2, position: 20 });
});

test('answers given in a thread are obeyed', async () => {
  const { bus, called, errors, tell } = await threadBus();
  await tell([{ act: 'retry', times: 1 }, 'skip', 'dead-letter', 'nothing', { act: 'stop', times: 1 }, 'nothing']);
  const processor = bus.processor({ name, handler, retry });

  processor.start();
  await processor.waitFor('stopped');

  expect(called()).toEqual(['1:1', '1:2', '2:1', '3:1', '4:1', '5:1']);
  expect(processor.status.context).toMatchObject({ skipped: 1, deadLettered: 1, handled: 2, cursor: 4 });
  expect(errors).toMatchObject([
    { code: 'EVENT_GIVEN_UP' },
    { code: 'EVENT_GIVEN_UP', cause: { message: 'hopeless' } },
  ]);
  const letters = await collect(bus.deadLetters(name).list());
  expect(letters).toMatchObject([{ position: 3, error: { name: 'HandlerAnswer', message: 'hopeless' } }]);
  expect(letters[0]?.error.stack).toBeUndefined();
});

test('what a handler throws in a thread keeps its name, code, message, stack and cause', async () => {
  const { bus, errors, tell } = await threadBus();
  await tell(['throw']);
  const processor = bus.processor({ name, handler, retry: { attempts: 0 } });

  processor.start();
  await processor.waitFor('failed');

  expect(processor.status.context.lastError).toEqual({
    name: 'CardError',
    code: 'CARD_DECLINED',
    message: 'declined',
  });
  const stack = expect.stringContaining('scripted.ts');
  const cause = { name: 'CardError', code: 'CARD_DECLINED', stack, cause: { name: 'RangeError', message: 'too much' } };
  expect(errors).toMatchObject([{ code: 'PROCESSOR_FAILED', cause }]);
});

test('a handler in a thread may throw something else than an error', async () => {
  const { bus, errors, tell } = await threadBus();
  await tell(['throw-text']);
  const processor = bus.processor({ name, handler, retry: { attempts: 0 } });

  processor.start();
  await processor.waitFor('failed');

  expect(processor.status.context.lastError).toMatchObject({ name: 'Error', message: "'just text'" });
  expect(errors).toMatchObject([{ cause: 'just text' }]);
});

test('later events of a parked stream are kept in order, and replayed in a thread', async () => {
  const { bus, called, tell } = await threadBus();
  await tell([{ act: 'throw', times: 2 }, 'nothing', 'nothing'], 'bad');
  await tell(['nothing', 'nothing']);
  await tell(['nothing'], 'bad');
  const processor = bus.processor({ name, handler, retry, onFailure: 'park-stream' });
  processor.start();
  await processor.caughtUp();
  expect(called()).toEqual(['1:1', '1:2', '4:1', '5:1']);
  await expect.poll(() => processor.status.context).toMatchObject({ deadLettered: 1, parked: 3, handled: 2 });

  await bus.deadLetters(name).retry(1);
  await expect.poll(() => processor.status.context.replayed).toBe(4);

  expect(called().slice(4)).toEqual(['1:3', '2:1', '3:1', '6:1']);
});

test('a batch that fails in a thread is narrowed down to its poison event', async () => {
  const { bus, logged, tell } = await threadBus();
  await tell(['nothing', 'nothing', 'throw', 'nothing', 'nothing', 'nothing']);
  const processor = bus.processor({
    name,
    handler: handlerUrl('batches'),
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
  });

  processor.start();
  await processor.caughtUp();

  expect(logged.map(({ fields }) => String(fields.positions))).toEqual(['1,2,3,4,5,6', '1,2,3', '1,2', '3', '4,5,6']);
  expect(processor.status.context).toMatchObject({ handled: 5, deadLettered: 1 });
});

test.each([
  ['loops for ever', 'loop', 1, { code: 'HANDLER_TIMEOUT' }],
  ['never settles', 'never', 0, { code: 'HANDLER_TIMEOUT' }],
  ['exits', 'exit', 0, { code: 'HANDLER_FAILED' }],
  [
    'leaves an exception behind',
    'exception',
    0,
    { code: 'HANDLER_FAILED', message: expect.stringContaining('callback') },
  ],
] as const)('a call that %s fails alone: its neighbours are handled once', async (_, act, attempts, lastError) => {
  const { bus, called, errors, tell } = await threadBus();
  await tell(['nothing', 'nothing', act, 'nothing', 'nothing']);
  const processor = bus.processor({
    name,
    handler,
    timeoutMs: 100,
    retry: { ...retry, attempts },
    onFailure: 'dead-letter',
  });

  processor.start();
  await processor.caughtUp();

  expect(called()).toEqual(['1:1', '2:1', '3:1', ...(attempts > 0 ? ['3:2'] : []), '4:1', '5:1']);
  expect(processor.status.context).toMatchObject({ handled: 4, deadLettered: 1, position: 5 });
  expect(errors).toMatchObject([{ code: 'EVENT_GIVEN_UP', detail: { position: 3 }, cause: lastError }]);
  const letters = await collect(bus.deadLetters(name).list());
  expect(letters).toMatchObject([{ position: 3, attempts: attempts + 1, error: { code: lastError.code } }]);
});

test('a thread that runs out of heap costs the event at hand one attempt', async () => {
  const { path } = await filledStore(3);
  const pool = tempPool(path, { heapMbMax: 40 });
  const { store, processors } = fakeProcessors();
  store.readers = async () => pool;
  store.appendMany(3);
  const processor = processors.create({ name, handler: handlerUrl('heap'), retry });
  processor.start();
  await processor.waitFor('retrying');
  const { lastError, position } = processor.status.context;

  processor.retryNow();
  await processor.caughtUp();

  expect({ position, lastError }).toMatchObject({ position: 1, lastError: { code: 'HANDLER_FAILED' } });
  expect(processor.status.context).toMatchObject({ handled: 3, position: 3 });
});

test('events parked in a round that is lost with its thread are parked nevertheless', async () => {
  const { bus, called, tell } = await threadBus();
  await tell(['throw', 'nothing'], 'bad');
  const processor = bus.processor({ name, handler, retry: { ...retry, attempts: 0 }, onFailure: 'park-stream' });
  processor.start();
  await processor.caughtUp();
  processor.pause();
  await processor.waitFor('paused');

  await tell(['nothing'], 'good');
  await tell(['nothing', 'nothing'], 'bad');
  await tell(['exit', 'nothing'], 'worse');
  processor.resume();
  await processor.caughtUp();

  expect(called()).toEqual(['1:1', '3:1', '6:1']);
  await expect.poll(() => processor.status.context).toMatchObject({ deadLettered: 2, parked: 4, handled: 1 });
});

test('a replay in a thread that takes too long is dead again', async () => {
  const { bus, called, tell } = await threadBus();
  await tell(['loop', 'nothing']);
  const policy = { timeoutMs: 50, retry: { attempts: 0 }, onFailure: 'dead-letter' } as const;
  const processor = bus.processor({ name, handler, ...policy });
  processor.start();
  await processor.caughtUp();
  await expect.poll(() => processor.status.context.deadLettered).toBe(1);

  const outcome = await bus.deadLetters(name).retry(1);

  expect(outcome).toEqual({ handled: 0, failed: 1, waiting: 0 });
  expect(called()).toEqual(['1:1', '2:1', '1:2']);
  expect(await bus.deadLetters(name).get(1)).toMatchObject({ attempts: 2, error: { code: 'HANDLER_TIMEOUT' } });
});

test('an event that was given up is kept, also when the next one is the end of the thread', async () => {
  const { bus, called, tell } = await threadBus();
  await tell(['nothing', 'dead-letter', 'exit', 'skip', 'exit', 'nothing']);
  const processor = bus.processor({ name, handler, retry: { attempts: 0 }, onFailure: 'dead-letter' });

  processor.start();
  await processor.caughtUp();

  expect(called()).toEqual(['1:1', '2:1', '3:1', '4:1', '5:1', '6:1']);
  const letters = await collect(bus.deadLetters(name).list());
  expect(letters.map(({ position }) => position)).toEqual([2, 3, 5]);
});

test('a batch whose thread is lost is narrowed down, too', async () => {
  const { bus, tell } = await threadBus();
  await tell(['nothing', 'nothing', 'exit', 'nothing']);
  const processor = bus.processor({
    name,
    handler: handlerUrl('batches'),
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
  });

  processor.start();
  await processor.caughtUp();

  expect(processor.status.context).toMatchObject({ handled: 3, deadLettered: 1 });
  const letters = await collect(bus.deadLetters(name).list());
  expect(letters).toMatchObject([{ position: 3, error: { code: 'HANDLER_FAILED' } }]);
});

test('an append in a thread happens once, however often its event is handled, and carries the trace', async () => {
  const { bus, tell, logged } = await threadBus();
  await tell([{ act: 'append-and-throw', times: 2 }]);
  const origin = await bus.event(1);
  const processor = bus.processor({ name, handler, streams: ['s0'], retry: { ...retry, attempts: 5 } });

  processor.start();
  await processor.caughtUp();

  expect(logged.filter(({ message }) => message === 'appended').map(({ fields }) => fields.duplicate)).toEqual([
    false,
    true,
  ]);
  expect(await collect(bus.readStream('out'))).toMatchObject([
    { type: 'made', data: { attempt: 1 }, metadata: { correlationId: origin?.id, causationId: origin?.id } },
  ]);
});

test('an append that is not awaited in a thread is made; one after the round is refused', async () => {
  const { bus, tell, logged } = await threadBus({ readers: 1 });
  const processor = bus.processor({ name, handler, prefix: 's' });
  await tell(['append-unawaited']);
  processor.start();
  await processor.caughtUp();
  await expect.poll(() => bus.stream('out')).toMatchObject({ version: 1 });

  await tell(['append-late']);
  await processor.caughtUp();

  await expect.poll(() => logged.at(-1)).toMatchObject({ message: 'refused', fields: { code: 'ABORTED' } });
  expect(await bus.stream('out')).toMatchObject({ version: 1 });
});

test('an append in a thread is refused for what it would be refused for elsewhere', async () => {
  const { bus, tell, logged } = await threadBus();
  await tell(['append-class', 'append-wrong']);
  const processor = bus.processor({ name, handler, prefix: 's' });

  processor.start();
  await processor.caughtUp();

  expect(logged.filter(({ message }) => message === 'refused').map(({ fields }) => fields)).toMatchObject([
    { code: 'EVENT_INVALID', name: 'BusError', detail: { path: expect.stringContaining('value') } },
    { code: 'STREAM_NAME_INVALID', name: 'BusError', detail: { stream: '' } },
  ]);
  expect(bus.head).toBe(2);
});

test('what handlers in threads log arrives in order, however much it is, and names event and attempt', async () => {
  const { bus, tell, logged } = await threadBus();
  await tell(['log-much']);
  const processor = bus.processor({ name, handler });

  processor.start();
  await processor.caughtUp();

  const lines = logged.filter(({ message }) => message === 'line');
  expect(lines).toHaveLength(2500);
  expect(lines.at(-1)?.fields).toMatchObject({ processor: 'p', position: 1, attempt: 1 });
  expect(lines.at(-1)?.fields.fields).toContain('line: 2499');
});

test('a logger that throws harms no handler in a thread', async () => {
  const log = () => {
    throw new Error('disk full');
  };
  const { bus, tell, errors } = await threadBus({ logger: { debug: log, info: log, warn: log, error: log } });
  await tell(['nothing']);
  const processor = bus.processor({ name, handler });

  processor.start();
  await processor.caughtUp();

  expect(errors).toMatchObject([{ message: 'disk full' }]);
});

test('a logger that rejects harms no handler in a thread, and nothing else', async () => {
  const unhandled: unknown[] = [];
  const hear = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', hear);
  onTestFinished(() => void process.off('unhandledRejection', hear));
  const log = () => Promise.reject(new Error('disk full'));
  const { bus, tell, errors } = await threadBus({ logger: { debug: log, info: log, warn: log, error: log } });
  await tell(['nothing']);
  const processor = bus.processor({ name, handler });

  processor.start();
  await processor.caughtUp();

  await expect.poll(() => [...errors, ...unhandled]).toMatchObject([{ message: 'disk full' }]);
  expect(unhandled).toEqual([]);
});

test('a stop waits for the round of a thread, and leaves a call that does not end after drainMs', async () => {
  const { bus, called, tell } = await threadBus({ readers: 1 });
  await tell(['nothing', { act: 'loop', times: 1 }, 'nothing']);
  const processor = bus.processor({ name, handler, drainMs: 20 });
  processor.start();
  await expect.poll(() => called()).toEqual(['1:1', '2:1']);

  await processor.stop();
  processor.start();
  await expect.poll(() => called()).toEqual(['1:1', '2:1', '1:1', '2:1']);
  await processor.close();

  expect(processor.status.context.cursor).toBe(0);
});

test('two processors and a query share a single thread', async () => {
  const { bus, called, tell } = await threadBus({ readers: 1 });
  await tell(Array.from({ length: 200 }, () => 'nothing'));
  const processors = ['a', 'b'].map((own) => bus.processor({ name: own, handler, batch: 16 }));

  for (const processor of processors) processor.start();
  const [ids] = await Promise.all([
    bus.query<number[]>(moduleUrl('trail'), { export: 'threads' }),
    ...processors.map((processor) => processor.caughtUp()),
  ]);

  expect(ids).toHaveLength(1);
  expect([called('a').length, called('b').length]).toEqual([200, 200]);
});

test('a round in a thread ends after a while, so that others have their turn', async () => {
  const { bus, logged, tell } = await threadBus({ readers: 1 });
  await tell(Array.from({ length: 200 }, () => 'nothing'));
  const processors = ['a', 'b'].map((own) => bus.processor({ name: own, handler: handlerUrl('busy') }));

  for (const processor of processors) processor.start();
  await Promise.all(processors.map((processor) => processor.caughtUp()));

  const order = logged.map(({ fields }) => fields.processor);
  expect(order.lastIndexOf('a')).toBeGreaterThan(order.indexOf('b'));
  expect(order.lastIndexOf('b')).toBeGreaterThan(order.indexOf('a'));
});

test('a module that has no handler fails its processor at once', async () => {
  const { bus, errors, tell } = await threadBus({ readers: 1 });
  const messageByModule = {
    missing: 'missing.ts',
    neither: 'either handle or handleBatch; it exports handler',
    both: 'either handle or handleBatch; it exports handle, handleBatch',
    'no-function': 'handle must be a function, got string',
    failing: 'no such tariff',
  };
  await tell(['nothing']);
  for (const [module, message] of Object.entries(messageByModule)) {
    const processor = bus.processor({ name: module, handler: handlerUrl(module), onFailure: 'skip' });

    processor.start();
    await processor.waitFor('failed');

    expect(processor.status.context).toMatchObject({ position: 0, retries: 0, lastError: { code: 'HANDLER_INVALID' } });
    const cause = { code: 'HANDLER_INVALID', message: expect.stringContaining(message), cause: expect.any(Error) };
    expect(errors.at(-1)).toMatchObject({ code: 'PROCESSOR_FAILED', cause });
  }
});

test('a module that ends its thread while it is loaded is tried again, then the processor fails', async () => {
  const { bus, errors, tell } = await threadBus();
  await tell(['nothing']);
  const processor = bus.processor({ name, handler: handlerUrl('exiting'), retry, onFailure: 'skip' });

  processor.start();
  await processor.waitFor('failed');

  expect(processor.status.context).toMatchObject({ position: 0, attempts: 2, lastError: { code: 'HANDLER_FAILED' } });
  expect(errors).toMatchObject([{ code: 'PROCESSOR_FAILED' }]);
});

test('a handler in a thread needs a store that threads can read, and the name stays free', async () => {
  const bus = await tempBus<Scripted>();

  expect(() => bus.processor({ name, handler })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  bus.processor({ name, handle: () => undefined });
});

test.each([
  ['a path', './handler.js', 'handler must be a file: URL'],
  ['another URL', new URL('https://example.org/handler.js'), 'handler must be a file: URL'],
])('a handler is no %s', async (_, given, message) => {
  const { bus } = await threadBus();

  expect(() => bus.processor({ name, handler: given })).toThrow(message);
});

test('a bus closes while handlers in threads are at work, and leaves no threads behind', async () => {
  const store = tempStore('lmdb');
  const handles = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
  const before = handles();
  for (let round = 0; round < 3; round++) {
    const bus = await store.openBus<Scripted>({ readers: 2, logger: silent });
    await bus.append('s', [{ type: 'told', data: { act: 'nothing' } }]);
    const processors = ['a', 'b', 'c'].map((own) => bus.processor({ name: own, handler }));
    for (const processor of processors) processor.start();
    if (round % 2 === 0) await Promise.all(processors.map((processor) => processor.caughtUp()));
    await bus.close();
  }

  // One of an earlier test may still have been closing.
  await expect.poll(handles).toBeLessThanOrEqual(before);
});

test('rounds leave no port behind', async () => {
  const { bus, tell } = await threadBus({ readers: 1 });
  const processor = bus.processor({ name, handler, streams: ['in'] });
  const ports = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
  processor.start();

  for (let round = 0; round < 20; round++) {
    await tell(['append', 'append-unawaited'], 'in');
    await processor.caughtUp();
  }
  await processor.close();

  await expect.poll(ports).toBe(0);
});
