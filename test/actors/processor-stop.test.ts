/** How processors end, and what they leave to the next one of their name. */
import { expect, test } from 'vitest';
import { fakeProcessors, settle } from '../kit/processor-store-fake.ts';

test('a stop waits for the handler, then saves', async () => {
  const { store, processors } = fakeProcessors();
  const { promise, resolve } = Promise.withResolvers<void>();
  store.append('a');
  const processor = processors.create({ name: 'p', handle: () => promise });
  processor.start();
  await settle();

  const stopping = processor.stop();
  await settle();
  const stateBefore = processor.status.state;
  resolve();
  await stopping;

  expect(stateBefore).toBe('catching-up');
  expect(store.cursors.get('p')?.position).toBe(1);
});

test('a stop leaves a handler behind that takes too long, and no other call begins before it has ended', async () => {
  const { store, processors } = fakeProcessors();
  const { promise, resolve } = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  store.append('a');
  const handle = (_: unknown, { signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    return signals.length === 1 ? promise : undefined;
  };
  const processor = processors.create({ name: 'p', drainMs: 500, handle });
  processor.start();
  await settle();

  const stopping = processor.stop();
  store.clock.increment(499);
  expect(processor.status.state).toBe('catching-up');
  store.clock.increment(1);
  await stopping;
  await processor.close();
  const next = processors.create({ name: 'p', handle });
  next.start();
  await settle();
  const callsBefore = signals.length;
  resolve();
  await next.caughtUp();

  expect(signals[0]?.aborted).toBe(true);
  expect(callsBefore).toBe(1);
  expect(signals).toHaveLength(2);
  expect(store.moves.map(({ to }) => to.position)).toEqual([]);
});

test('a stop does not wait for ever for a save that hangs', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  store.onMove = () => new Promise(() => undefined);
  const processor = processors.create({ name: 'p', drainMs: 500, handle: () => undefined });
  processor.start();
  await processor.caughtUp();

  const stopping = processor.stop();
  await settle();
  store.clock.increment(500);
  await stopping;

  expect(processor.status).toMatchObject({ state: 'stopped', context: { cursor: 0 } });
});

test('the signal of a stop ends the wait, and the processor stops nevertheless', async () => {
  const { store, processors } = fakeProcessors();
  const { promise, resolve } = Promise.withResolvers<void>();
  store.append('a');
  const processor = processors.create({ name: 'p', handle: () => promise });
  processor.start();
  await settle();
  const reason = new Error('enough');

  const stopping = processor.stop({ signal: AbortSignal.abort(reason) });

  await expect(stopping).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
  resolve();
  await processor.waitFor('stopped');
});

test('a processor that is started while it stops starts again', async () => {
  const { store, processors } = fakeProcessors();
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen: number[] = [];
  store.append('a');
  const processor = processors.create({
    name: 'p',
    handle: ({ position }) => {
      seen.push(position);
      return position === 1 ? promise : undefined;
    },
  });
  processor.start();
  await settle();

  const stopping = processor.stop();
  processor.start();
  resolve();
  await stopping;
  store.append('a');
  await processor.caughtUp();

  expect(seen).toEqual([1, 2]);
  expect(processor.status.state).toBe('live');
});

test('a processor that is paused, reset and started while a handler runs goes on from where the reset says', async () => {
  const { store, processors } = fakeProcessors();
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen: number[] = [];
  store.append('a');
  const processor = processors.create({
    name: 'p',
    handle: ({ position }) => {
      seen.push(position);
      return seen.length === 1 ? promise : undefined;
    },
  });
  processor.start();
  await settle();

  processor.pause();
  const reset = processor.reset({ to: 0 });
  processor.start();
  resolve();
  await reset;
  await settle();

  expect(processor.status.state).toBe('live');
  expect(seen).toEqual([1, 1]);
});

test('waits end when the processor stops', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });
  processor.start();
  const waits = [processor.reached(1), processor.waitFor('failed')];
  const settled = Promise.allSettled(waits);
  const aborted = processor.reached(1, { signal: AbortSignal.timeout(1) });

  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  await processor.stop();

  for (const wait of await settled) expect(wait).toMatchObject({ reason: { code: 'PROCESSOR_STOPPED' } });
  await expect(processor.reached(1)).rejects.toMatchObject({ code: 'PROCESSOR_STOPPED' });
  await expect(processor.reached(0)).resolves.toBeUndefined();
  expect(store.head$.observed).toBe(false);
});

test('a name is taken until its processor is closed', async () => {
  const { processors } = fakeProcessors();
  const options = { name: 'p', handle: () => undefined };
  const processor = processors.create(options);
  processor.start();
  await processor.stop();

  expect(() => processors.create(options)).toThrow(expect.objectContaining({ code: 'PROCESSOR_NAME_TAKEN' }));
  await processor.close();
  const next = processors.create(options);

  expect(processors.get('p')).toBe(next);
  expect(processors.list).toEqual([next]);
  expect(() => processor.start()).toThrow(expect.objectContaining({ code: 'PROCESSOR_STOPPED' }));
});

test('closing all processors is bounded, and completes what watches them', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const stuck = processors.create({ name: 'stuck', handle: () => new Promise(() => undefined) });
  const fine = processors.create({ name: 'fine', handle: () => undefined });
  const completed: string[] = [];
  for (const processor of [stuck, fine]) {
    processor.state$.subscribe({ complete: () => completed.push(processor.name) });
    processor.start();
  }
  await fine.caughtUp();

  await processors.close(20);

  expect(completed.sort()).toEqual(['fine', 'stuck']);
  expect([stuck.status.state, fine.status.state]).toEqual(['stopped', 'stopped']);
  expect(store.cursors.get('fine')?.position).toBe(1);
  expect(processors.list).toEqual([]);
  expect(store.head$.observed).toBe(false);
});

test('10,000 starts and stops leave nothing behind', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });

  for (let cycle = 0; cycle < 10_000; cycle++) {
    processor.start();
    await processor.stop();
  }

  expect(store.head$.observers).toHaveLength(0);
  expect((Reflect.get(store.clock, 'timeouts') as ReadonlyMap<number, unknown>).size).toBe(0);
  const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout');
  expect(timers.length).toBeLessThan(10);
});

test('a processor keeps the process alive only while it runs', async () => {
  const { processors } = fakeProcessors();
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const counts = [timers()];

  processor.start();
  await processor.waitFor('live');
  counts.push(timers());
  processor.pause();
  await processor.waitFor('paused');
  counts.push(timers());
  processor.resume();
  await processor.waitFor('live');
  counts.push(timers());
  await processor.stop();
  counts.push(timers());

  expect(counts.map((count) => count - (counts[0] as number))).toEqual([0, 1, 0, 1, 0]);
});
