/** Machines of the user's own, as the dashboard shows them. */
import { expect, onTestFinished, test } from 'vitest';
import { type AnyActorRef, assign, createActor, createMachine, fromPromise, setup } from 'xstate';
import { Machines } from '#kernel/dashboard/machines';
import { Redaction } from '#kernel/dashboard/redaction';

const redaction = new Redaction({ redact: undefined, redactEntry: undefined, redactError: undefined }, () => undefined);

const lights = createMachine({
  id: 'lights',
  initial: 'green',
  states: {
    green: { on: { NEXT: 'yellow', NOTHING: {} } },
    yellow: { on: { NEXT: 'red', AGAIN: { target: 'yellow', reenter: true } } },
    red: {
      initial: 'walk',
      states: { walk: { on: { SLOW: 'wait' } }, wait: { type: 'final' } },
      on: { NEXT: 'green' },
    },
  },
});

function started(machine = lights, id?: string) {
  const actor = createActor(machine, { ...(id !== undefined && { id }) }).start();
  onTestFinished(() => void actor.stop());
  return actor;
}

test('machines have the ids of their actors, or of their machines, and each its own', () => {
  const actors = [started(), started(), started(lights, 'crossing'), createActor(lights, { systemId: 'known' })];

  const machines = new Machines(actors, redaction);

  expect(machines.ids).toEqual(['lights', 'lights-2', 'crossing', 'known']);
  expect(machines.images().map(({ title }) => title)).toEqual(['lights', 'lights', 'crossing', 'known']);
  expect(machines.logic('crossing')).toBe(lights);
  expect(machines.logic('none')).toBeUndefined();
});

test('a machine shows where it is, also when nobody follows it', () => {
  const actor = started();
  const machines = new Machines([actor], redaction);

  actor.send({ type: 'NEXT' });
  actor.send({ type: 'NEXT' });

  expect(machines.image('lights')).toEqual({
    id: 'lights',
    title: 'lights',
    status: 'active',
    active: ['red', 'red.walk'],
  });
  expect(machines.changes('lights')).toEqual([]);
});

test('while somebody looks, the transitions it takes are shown with their events, and what leads nowhere is none', async () => {
  const actor = started();
  const machines = new Machines([actor], redaction);
  let told = 0;
  const leave = machines.attach(() => told++);
  onTestFinished(leave);

  actor.send({ type: 'NEXT' });
  actor.send({ type: 'AGAIN' });
  actor.send({ type: 'NOTHING' });
  actor.send({ type: 'UNKNOWN' } as never);
  await Promise.resolve();

  expect(told).toBe(1);
  expect(machines.image('lights')?.transition).toMatchObject({
    from: ['yellow'],
    to: ['yellow'],
    event: 'AGAIN',
    number: 2,
  });
  expect(machines.changes('lights').map(({ event, to }) => [event, ...to])).toEqual([
    ['AGAIN', 'yellow'],
    ['NEXT', 'yellow'],
  ]);
  expect(machines.actors()).toMatchObject([{ id: 'user:lights', kind: 'user', state: 'yellow', messages: 4 }]);
});

test('what has not changed is the same object', () => {
  const [moving, resting] = [started(), started()] as const;
  const machines = new Machines([moving, resting], redaction);
  const before = machines.images();
  const rows = machines.actors();

  moving.send({ type: 'NEXT' });

  expect(machines.images()[0]).not.toBe(before[0]);
  expect(machines.images()[1]).toBe(before[1]);
  expect(machines.actors()[1]).toBe(rows[1]);
  expect(machines.actors()).toBe(machines.actors());
});

test('nothing is attached to a machine while nobody looks, and nothing is subscribed to it ever', () => {
  const actor = started();
  const attached: string[] = [];
  const { inspect } = actor.system;
  actor.system.inspect = (observer) => {
    attached.push('inspect');
    const { unsubscribe } = inspect(observer);
    return {
      unsubscribe() {
        attached.push('left');
        unsubscribe();
      },
    };
  };
  actor.subscribe = () => expect.unreachable('a subscription changes what becomes of errors');
  const machines = new Machines([actor], redaction);
  machines.images();
  machines.actors();
  const before = [...attached];

  const leaves = [machines.attach(() => undefined), machines.attach(() => undefined)];
  actor.send({ type: 'NEXT' });
  const meanwhile = [...attached];
  for (const leave of [...leaves, ...leaves]) leave();

  expect(before).toEqual([]);
  expect(meanwhile).toEqual(['inspect']);
  expect(attached).toEqual(['inspect', 'left']);
});

test('the actors below a machine are in the tree, with what they were given', async () => {
  const child = createMachine({ id: 'child', initial: 'a', states: { a: { on: { GO: 'b' } }, b: {} } });
  const parent = setup({
    actors: { child, wait: fromPromise(() => new Promise<void>(() => undefined)) },
  }).createMachine({
    id: 'parent',
    invoke: [
      { id: 'first', src: 'child' },
      { id: 'second', src: 'wait' },
    ],
  });
  const actor = createActor(parent).start();
  onTestFinished(() => void actor.stop());
  const machines = new Machines([actor], redaction);
  onTestFinished(machines.attach(() => undefined));

  actor.getSnapshot().children.first?.send({ type: 'GO' });

  const rows = machines.actors();
  const [root, first, second] = rows;
  expect(rows).toHaveLength(3);
  expect(root).toMatchObject({ id: 'user:parent', name: 'parent', state: 'active' });
  expect(first).toMatchObject({ parent: 'user:parent', name: 'first', state: 'b', messages: 1 });
  expect(second).toMatchObject({ parent: 'user:parent', name: 'second', state: 'active', messages: 0 });
  expect(new Set(rows.map(({ id }) => id)).size).toBe(3);
});

test('a machine that spawns without end fills no page', () => {
  const one = started();
  // XState itself takes seconds to spawn as many.
  const children = Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [index, one]));
  const many = { getSnapshot: () => ({ status: 'active', children }), subscribe: () => undefined };

  expect(new Machines([many as unknown as AnyActorRef, one], redaction).actors()).toHaveLength(1000);
});

test('a machine that breaks shows why, and its error goes where it went before', async () => {
  const breaking = createMachine({
    id: 'breaking',
    context: { count: 0 },
    on: {
      BREAK: {
        actions: assign(() => {
          throw new RangeError('broken');
        }),
      },
    },
  });
  const actor = createActor(breaking);
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  const machines = new Machines([actor], redaction);
  let told = 0;
  onTestFinished(machines.attach(() => told++));

  actor.send({ type: 'BREAK' });
  await Promise.resolve();

  expect(errors).toEqual([new RangeError('broken')]);
  expect(told).toBe(1);
  expect(machines.image('breaking')).toMatchObject({ status: 'error', error: 'RangeError: broken' });
});

test('a machine that is stopped shows that', async () => {
  const actor = started();
  const machines = new Machines([actor], redaction);
  let told = 0;
  onTestFinished(machines.attach(() => told++));

  actor.stop();
  await Promise.resolve();

  expect(machines.image('lights')?.status).toBe('stopped');
  expect(machines.actors()).toMatchObject([{ state: 'stopped' }]);
});

test('an event that throws when it is looked at reaches its machine nevertheless, which is followed no further', () => {
  const actor = started();
  const machines = new Machines([actor], redaction);
  onTestFinished(machines.attach(() => undefined));
  let looks = 0;
  const event = {
    get type() {
      if (looks++ === 0) throw new Error('keep out');
      return 'NEXT' as const;
    },
  };

  actor.send(event);

  expect(machines.image('lights')).toMatchObject({
    active: ['yellow'],
    error: "it can't be followed: Error: keep out",
  });
});

test('hostile actors are shown as such, and the others go on', async () => {
  const throwing = (): never => {
    throw new Error('keep out');
  };
  const noSnapshot = { getSnapshot: throwing, subscribe: throwing };
  const strange = { getSnapshot: () => ({ status: 7, value: 12n, children: { a: null } }), subscribe: throwing };
  const proxy = new Proxy(noSnapshot, { get: throwing });
  const good = started();
  const machines = new Machines([noSnapshot, strange, proxy, good] as unknown as AnyActorRef[], redaction);
  const leave = machines.attach(() => undefined);

  good.send({ type: 'NEXT' });

  expect(machines.ids).toEqual(['an actor', 'an actor-2', 'an actor-3', 'lights']);
  expect(machines.image('an actor')).toMatchObject({ status: 'unknown', active: [], error: 'Error: keep out' });
  expect(machines.image('an actor-2')).toMatchObject({
    status: 'unknown',
    error: expect.stringContaining("can't be followed"),
  });
  expect(machines.image('lights')?.transition?.event).toBe('NEXT');
  expect(machines.actors()).toHaveLength(4);
  expect(machines.logic('an actor-3')).toBeUndefined();
  leave();
});
