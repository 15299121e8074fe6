/** What a machine of a processor shows to those who look, and what is kept of it for them. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { LaneImage, Transition } from '#actors/bus-status';
import type { LaneLook } from '#actors/lane-look';
import { MachineWatch } from '#actors/machine-watch';
import type { OwnedProcessor } from '#actors/processor';
import type { Processors } from '#actors/processors';
import { fakeProcessors, settle } from '../kit/processor-store-fake.ts';

function imageOf(processor: OwnedProcessor, index = 0): LaneImage {
  return (processor.looks[index] as LaneLook).image;
}

/** The transitions of a processor from now on, as somebody sees them who looks at each change. */
function followed({ lookers }: Processors, processor: OwnedProcessor): string[] {
  const seen: string[] = [];
  let last = 0;
  const leave = lookers.attach(() => {
    const { transition } = imageOf(processor);
    if (transition === undefined || transition.number === last) return;
    last = transition.number;
    seen.push(shown(transition));
  });
  onTestFinished(leave);
  return seen;
}

function shown({ from, event, to }: Transition): string {
  return `${from.at(-1)} --${event}--> ${to.at(-1)}`;
}

test('whoever looks is told of each transition, and of the event that caused it', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const seen = followed(processors, processor);

  processor.start();
  await processor.waitFor('live');
  store.append('a');
  await processor.caughtUp();
  processor.pause();
  await processor.waitFor('paused');

  expect(seen).toEqual([
    'idle --START--> loading',
    'loading --xstate.done.actor.loadCursor--> catching-up.working.handling',
    'catching-up.working.handling --xstate.done.actor.work--> live.waiting',
    'live.waiting --HEAD--> live.working.handling',
    'live.working.handling --xstate.done.actor.work--> live.waiting',
    'live.waiting --PAUSE--> live.saving.writing',
    'live.saving.writing --xstate.done.actor.saveCursor--> paused',
  ]);
});

test('a processor that is started again is followed by its new machine', async () => {
  const { processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const seen = followed(processors, processor);

  processor.start();
  await processor.waitFor('live');
  await processor.stop();
  processor.start();
  await processor.waitFor('live');

  expect(seen).toEqual([
    'idle --START--> loading',
    'loading --xstate.done.actor.loadCursor--> live.waiting',
    'live.waiting --STOP--> stopped',
    'idle --START--> loading',
    'loading --xstate.done.actor.loadCursor--> live.waiting',
  ]);
  expect(imageOf(processor).transition?.number).toBe(5);
  expect(imageOf(processor).changes.map(({ to }) => to)).toEqual([
    'loading',
    'live',
    'stopped',
    'idle',
    'loading',
    'live',
  ]);
});

test('nothing is attached to any machine while nobody looks', async () => {
  const follow = vi.spyOn(MachineWatch.prototype, 'follow');
  const stop = vi.spyOn(MachineWatch.prototype, 'stop');
  onTestFinished(() => void vi.restoreAllMocks());
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', partitions: 2, handle: () => undefined });
  processor.start();
  await processor.waitFor('live');
  const before = follow.mock.calls.length;

  const leaves = [processors.lookers.attach(() => undefined), processors.lookers.attach(() => undefined)];
  const during = follow.mock.calls.length;
  store.append('a', 'b', 'c', 'd');
  await processor.caughtUp();
  const transition = imageOf(processor, 0).transition ?? imageOf(processor, 1).transition;
  stop.mockClear();
  for (const leave of [...leaves, ...leaves]) leave();
  const stopped = stop.mock.calls.length;
  processor.pause();
  await processor.waitFor('paused');

  expect([before, during, stopped]).toEqual([0, 2, 2]);
  expect(transition).toBeDefined();
  expect(processor.looks.map(({ image }) => image.transition)).toEqual([undefined, undefined]);
  expect(processor.looks.map(({ messages }) => messages)).toEqual([0, 0]);
});

test('a machine that ends its watch is observed by nobody any more', () => {
  const { processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const look = processor.looks[0] as LaneLook;
  const leave = processors.lookers.attach(() => undefined);
  processor.start();
  const [messages, transition] = [look.messages, look.image.transition];

  leave();
  processor.pause();

  expect(messages).toBeGreaterThan(0);
  expect(transition?.event).toBe('START');
  expect(look.messages).toBe(0);
});

test('processors that are made later are followed, too, until they are closed', async () => {
  const { processors } = fakeProcessors();
  const told: string[] = [];
  onTestFinished(processors.lookers.attach((name) => told.push(name)));

  const processor = processors.create({ name: 'late', handle: () => undefined });
  processor.start();
  await processor.waitFor('live');
  await processor.close();
  const count = told.length;
  await settle();

  expect(new Set(told)).toEqual(new Set(['late']));
  expect(told).toHaveLength(count);
  expect(processor.looks[0]?.image).toMatchObject({ active: ['stopped'], can: [] });
  expect(processor.looks[0]?.image.transition).toBeUndefined();
});

test('one who looks and throws is reported, and neither the others nor the machine notice', async () => {
  const { store, processors } = fakeProcessors();
  const error = new Error('not mine');
  onTestFinished(
    processors.lookers.attach(() => {
      throw error;
    }),
  );
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const seen = followed(processors, processor);

  processor.start();
  await processor.waitFor('live');

  expect(seen).toHaveLength(2);
  expect(new Set(store.reported)).toEqual(new Set([error]));
});

test('the messages of a machine and of what it invokes are counted while somebody looks', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const look = processor.looks[0] as LaneLook;
  onTestFinished(processors.lookers.attach(() => undefined));

  processor.start();
  await processor.waitFor('live');
  store.append('a');
  await processor.caughtUp();

  // START, the cursor, HEAD, what was worked.
  expect(look.messages).toBeGreaterThanOrEqual(4);
  expect(look.children.map(({ id }) => id).sort()).toEqual(['lifeline', 'watchHead']);
  // RUN.
  expect(look.messagesOf('lifeline')).toBe(1);
  expect(look.messagesOf('work')).toBeGreaterThan(0);
});

test('of the changes of its state a machine keeps the last fifty, of its failures the last twenty', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  let failures = 0;
  const processor = processors.create({
    name: 'p',
    retry: { attempts: 1000, minMs: 1, maxMs: 1, jitter: 0 },
    handle: () => {
      throw new Error(`failure ${++failures}`);
    },
  });
  processor.start();

  while (failures < 60) {
    await settle();
    store.clock.increment(1);
  }
  await settle();

  const { changes, failures: shown } = imageOf(processor);
  expect(changes).toHaveLength(50);
  expect(changes.at(-1)).toMatchObject({ from: 'catching-up', to: 'retrying', atMs: store.now() });
  expect(shown).toHaveLength(20);
  expect(shown.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, index) => failures - 19 + index));
  expect(shown.at(-1)).toMatchObject({ phase: 'work', message: `failure ${failures}`, atMs: store.now() });
});

test('texts of a failure are cut, whatever was thrown', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a', 'b');
  const thrown: unknown[] = [
    new Error('x'.repeat(100_000)),
    {
      get message() {
        throw new Error('hostile');
      },
    },
  ];
  const processor = processors.create({
    name: 'p',
    retry: { attempts: 5, minMs: 1 },
    handle: () => {
      if (thrown.length > 0) throw thrown.shift();
    },
  });

  processor.start();
  for (let turn = 0; turn < 3; turn++) {
    await settle();
    store.clock.increment(10);
  }
  await processor.caughtUp();

  const [long, hostile] = imageOf(processor).failures;
  expect(long?.message.length).toBeLessThan(2100);
  expect(long?.stack?.length).toBeLessThan(8100);
  expect(hostile).toMatchObject({ name: 'Error', phase: 'work', attempt: 2 });
});

test('a failure says what was being done', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', retry: { minMs: 1 }, handle: () => undefined });
  const failOnce = () => {
    store.onLoad = () => undefined;
    store.onMove = () => undefined;
    throw new Error('not now');
  };
  store.onLoad = failOnce;

  processor.start();
  await settle();
  store.onMove = failOnce;
  store.clock.increment(1);
  await settle();
  // What is handled is saved when nothing comes for a while.
  store.clock.increment(50);
  await settle();
  store.clock.increment(2);
  await processor.caughtUp();
  await settle();

  expect(imageOf(processor).failures.map(({ phase, event }) => [phase, event])).toEqual([
    ['load', undefined],
    ['save', undefined],
  ]);
});

test('a failure on the way to a pause is kept, with what was being done, though the pause forgets the trouble', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', handle: () => undefined });
  processor.start();
  await processor.waitFor('live');
  store.onMove = () => {
    throw new Error('disk');
  };

  processor.pause();
  await processor.waitFor('paused');

  expect(imageOf(processor).failures).toMatchObject([{ phase: 'save', message: 'disk', attempt: 1 }]);
});

test('a batch that is split shows the failure of the event, and not those of the halves', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a', 'a', 'a', 'bad', 'a', 'a', 'a', 'a');
  const processor = processors.create({
    name: 'p',
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
    handleBatch: (events) => {
      if (events.some(({ type }) => type === 'bad')) throw new Error('one of these');
    },
  });

  processor.start();
  await processor.caughtUp();

  expect(imageOf(processor).failures.map(({ event, phase, message }) => [event?.position, phase, message])).toEqual([
    [4, 'work', 'one of these'],
  ]);
});

test('what is given up is a failure, once, also when it is skipped by order', async () => {
  const { store, processors } = fakeProcessors();
  store.append('bad', 'bad', 'a');
  const processor = processors.create({
    name: 'p',
    retry: { attempts: 0 },
    handle: ({ type, position }) => {
      if (type === 'bad') throw new Error(`not ${position}`);
    },
  });
  processor.start();
  await processor.waitFor('failed');
  const failing = imageOf(processor);

  processor.skip();
  await processor.waitFor('failed');
  await settle();
  processor.skip();
  await processor.caughtUp();

  expect(failing.failing).toMatchObject({ position: 1, type: 'bad' });
  expect(failing.can).toContain('SKIP');
  const { failures, can, failing: none } = imageOf(processor);
  expect(failures.map(({ message }) => message)).toEqual(['not 1', 'not 2']);
  expect([can.includes('SKIP'), none]).toEqual([false, undefined]);
});

test('while it stops, a start is offered, and taken back a stop', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const { promise, resolve } = Promise.withResolvers<void>();
  const processor = processors.create({ name: 'p', handle: () => promise });
  processor.start();
  await settle();

  const stopped = processor.stop();
  const stopping = imageOf(processor).can;
  processor.start();
  const again = imageOf(processor).can;
  void processor.stop();
  resolve();
  await stopped;

  expect(imageOf(processor, 0).can).toEqual(['START', 'RESET']);
  expect([stopping, again]).toEqual([['START'], ['STOP']]);
});

test('an image is the same object as long as nothing has changed that it shows', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', types: ['b'], handle: () => undefined });
  processor.start();
  await processor.waitFor('live');
  const before = imageOf(processor);

  store.append('a');
  await processor.caughtUp();

  expect(imageOf(processor)).toBe(before);
  expect(processor.status).toBe(processor.status);
});
