/** An actor that fails and is started again, within limits. */
import { expect, test } from 'vitest';
import { createActor, fromCallback, fromPromise, SimulatedClock, setup } from 'xstate';
import { type SuperviseOptions, supervise } from '#actors/supervise';

/** A supervised child that counts its starts and fails when it is told to. */
function supervised(options: Partial<SuperviseOptions<ReturnType<typeof childOf>>> = {}) {
  const clock = new SimulatedClock();
  const starts: unknown[] = [];
  const child = childOf(starts);
  const logic = supervise(child, {
    maxRestarts: 2,
    withinMs: 1000,
    backoff: { minMs: 100, maxMs: 150, factor: 2, jitter: 0 },
    now: () => clock.now(),
    ...options,
  });
  const actor = createActor(logic, { clock });
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  const fail = () => actor.send({ type: 'FAIL' });
  return { clock, starts, actor, errors, fail };
}

function childOf(starts: unknown[]) {
  return setup({
    types: { input: {} as unknown },
    actors: {
      breaking: fromCallback(() => {
        throw new Error('broken');
      }),
    },
  }).createMachine({
    context: ({ input }) => {
      starts.push(input);
      return {};
    },
    initial: 'fine',
    states: {
      fine: { on: { FAIL: 'broken', END: 'ended' } },
      broken: { invoke: { src: 'breaking' } },
      ended: { type: 'final' },
    },
  });
}

test('a child that fails is started again with the same input, later each time', () => {
  const { clock, starts, fail } = supervised({ input: 'given' });

  fail();
  clock.increment(99);
  expect(starts).toEqual(['given']);
  clock.increment(1);
  expect(starts).toEqual(['given', 'given']);
  fail();
  clock.increment(149);
  expect(starts).toHaveLength(2);
  clock.increment(1);

  expect(starts).toHaveLength(3);
});

test('chance shortens a wait', () => {
  const { clock, starts, fail } = supervised({ backoff: { minMs: 100, jitter: 0.5 }, random: () => 1 });

  fail();
  clock.increment(50);

  expect(starts).toHaveLength(2);
});

test('one failure too many within the window fails the supervisor with the error of the child', async () => {
  const { clock, actor, errors, fail } = supervised();

  for (let count = 0; count < 3; count++) {
    fail();
    clock.increment(150);
  }
  await new Promise((resolve) => setImmediate(resolve));

  expect(actor.getSnapshot().status).toBe('error');
  expect(errors).toMatchObject([{ message: 'broken' }]);
});

test('failures that are far apart never add up', async () => {
  const { clock, starts, actor, fail } = supervised();

  for (let count = 0; count < 10; count++) {
    fail();
    clock.increment(1000);
  }
  await new Promise((resolve) => setImmediate(resolve));

  expect(starts).toHaveLength(11);
  expect(actor.getSnapshot().value).toBe('up');
});

test('a stop during the wait cancels the restart', () => {
  const { clock, starts, actor, fail } = supervised();
  fail();

  actor.send({ type: 'STOP' });
  clock.increment(10_000);

  expect(starts).toHaveLength(1);
  expect(actor.getSnapshot().status).toBe('done');
});

test('the supervisor is done when its child is, with its output', async () => {
  const clock = new SimulatedClock();
  const actor = createActor(
    supervise(
      fromPromise(async () => 42),
      { maxRestarts: 0, withinMs: 1 },
    ),
    { clock },
  );
  actor.start();

  await expect.poll(() => actor.getSnapshot().status).toBe('done');

  expect(actor.getSnapshot().output).toBe(42);
});

test('the supervisor tells of each restart, and a child that is replaced leaves nothing behind', () => {
  const { clock, actor, fail } = supervised({ maxRestarts: Number.POSITIVE_INFINITY, systemId: 'child' });
  const delays: number[] = [];
  actor.on('restartPlanned', ({ delayMs }) => delays.push(delayMs));

  for (let count = 0; count < 100; count++) {
    fail();
    clock.increment(150);
  }

  expect(delays).toHaveLength(100);
  expect(Object.keys(actor.getSnapshot().children)).toEqual(['child']);
  expect(actor.system.get('child')).toBe(actor.getSnapshot().children.child);
});

test('the parent of a supervisor hears of the escalation in onError', async () => {
  const clock = new SimulatedClock();
  const child = fromPromise(() => Promise.reject(new Error('broken')));
  const parent = setup({ actors: { child: supervise(child, { maxRestarts: 0, withinMs: 1000 }) } }).createMachine({
    initial: 'on',
    states: { on: { invoke: { src: 'child', onError: 'told' } }, told: {} },
  });

  const actor = createActor(parent, { clock }).start();

  await expect.poll(() => actor.getSnapshot().value).toBe('told');
});

test.each([
  { maxRestarts: -1 },
  { withinMs: -1 },
  { backoff: { minMs: -1 } },
  { backoff: { minMs: 2, maxMs: 1 } },
  { backoff: { factor: 0 } },
  { backoff: { jitter: 2 } },
])('a supervisor with %j is a TypeError', (wrong) => {
  expect(() => supervise(childOf([]), { maxRestarts: 1, withinMs: 1, ...wrong })).toThrow(TypeError);
});
