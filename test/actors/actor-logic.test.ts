/** Bus, writer and readers as actors of somebody else's machines. */
import { expect, onTestFinished, test } from 'vitest';
import { type AnyActorRef, createActor, setup, toPromise, waitFor } from 'xstate';
import { type Appended, type AppendRefused, busLogic, busOf, processorLogic, readersLogic, writerLogic } from '#logic';
import { type Bus, openBus } from '#store';
import { tempBus, tempDirectory } from '../kit/temp-store.ts';

const event = { type: 'placed' };

async function openedBus(): Promise<Bus> {
  const bus = await openBus({ path: tempDirectory() });
  onTestFinished(() => bus.close());
  return bus;
}

/** The next event of `type` that `actor` emits. */
function emitted<Emitted>(actor: Pick<AnyActorRef, 'on'>, type: string): Promise<Emitted> {
  return new Promise((resolve) => actor.on(type, resolve));
}

test('a bus that is an actor opens with it, is found by it, and closes with CLOSE', async () => {
  const path = tempDirectory();
  const actor = createActor(busLogic({ path })).start();
  expect(() => busOf(actor)).toThrow(TypeError);

  await waitFor(actor, (snapshot) => snapshot.matches('open'));
  const bus = busOf(actor);
  await bus.append('a', event);
  actor.send({ type: 'CLOSE' });
  await toPromise(actor);

  await expect(bus.append('a', event)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  expect(() => busOf(actor)).toThrow(TypeError);
  const again = await openBus({ path });
  expect(again.head).toBe(1);
  await again.close();
});

test('a bus whose actor is stopped with its parent closes, and its store can be opened again', async () => {
  const path = tempDirectory();
  const parent = createActor(
    setup({ actors: { bus: busLogic({ path }) } }).createMachine({ invoke: { src: 'bus', systemId: 'bus' } }),
  ).start();
  const child: AnyActorRef = parent.system.get('bus');
  await waitFor(child, (snapshot) => snapshot.matches('open'));
  JSON.stringify(parent.getPersistedSnapshot());

  parent.stop();

  const again = await openBus({ path, lockWaitMs: 5000 });
  expect(again.head).toBe(0);
  await again.close();
});

test('a bus that is closed or stopped while it opens is not left open', async () => {
  const path = tempDirectory();
  for (let turn = 0; turn < 6; turn++) {
    const actor = createActor(busLogic({ path, inline: true })).start();
    for (let step = 0; step < turn; step++) await Promise.resolve();
    if (turn % 2 === 0) actor.send({ type: 'CLOSE' });
    else actor.stop();
  }

  const again = await openBus({ path, lockWaitMs: 5000 });
  await again.close();
});

test('a bus that can not be opened fails its actor with the error of the store', async () => {
  const actor = createActor(busLogic({ path: `${tempDirectory()}/nothing`, readOnly: true }));
  const failed = new Promise((resolve) => actor.subscribe({ error: resolve }));

  actor.start();

  expect(await failed).toMatchObject({ code: 'STORE_NOT_FOUND' });
});

test('the writer as an actor appends what it is sent, and tells what became of it', async () => {
  const bus = await openedBus();
  const actor = createActor(writerLogic(bus)).start();

  const first = emitted<Appended>(actor, 'appended');
  actor.send({ type: 'APPEND', id: 'one', appends: [{ stream: 'a', events: event, expectedVersion: 0 }] });
  expect(await first).toMatchObject({ id: 'one', results: [{ stream: 'a', lastVersion: 1 }] });
  const refused = emitted<AppendRefused>(actor, 'append.refused');
  actor.send({ type: 'APPEND', id: 'two', appends: [{ stream: 'a', events: event, expectedVersion: 0 }] });

  expect(await refused).toMatchObject({ id: 'two', error: { code: 'CONCURRENCY_CONFLICT' } });
});

test('the readers as an actor answer queries, and abort them when they end', async () => {
  const bus = await openedBus();
  await bus.append('a', [event, event, event]);
  const module = new URL('./query-modules/ending.ts', import.meta.url);
  const actor = createActor(readersLogic(bus)).start();

  const answered = emitted<{ result: unknown }>(actor, 'answered');
  actor.send({ type: 'QUERY', module, options: { args: 'none' } });
  expect(await answered).toMatchObject({ result: 3 });
  const failed = emitted<{ error: unknown }>(actor, 'query.failed');
  actor.send({ type: 'QUERY', module, options: { export: 'nothing' } });
  expect(await failed).toMatchObject({ error: { code: 'QUERY_FAILED' } });
  actor.send({ type: 'QUERY', module, options: { args: 'loop' } });
  actor.stop();

  // The endless query was ended, and its thread replaced.
  expect(await bus.query(module, { args: 'none' })).toBe(3);
});

test('a processor in a machine of the user handles events of the bus, and stops when the bus closes', async () => {
  const bus = await openedBus();
  const seen: number[] = [];
  const handle = ({ position }: { position: number }) => seen.push(position);
  const actor = createActor(processorLogic(bus, { name: 'mine', handle })).start();
  const ended = toPromise(actor);

  await bus.append('a', [event, event]);
  await expect.poll(() => seen).toEqual([1, 2]);
  expect(() => bus.processor({ name: 'mine', handle })).toThrow(
    expect.objectContaining({ code: 'PROCESSOR_NAME_TAKEN' }),
  );
  await bus.close();

  expect(await ended).toMatchObject({ name: 'mine', cursor: 2, handled: 2 });
});

test('a processor needs a bus that keeps cursors', async () => {
  const bus = await tempBus();
  const path = tempDirectory();
  await (await openBus({ path })).close();
  const reader = await openBus({ path, readOnly: true });
  onTestFinished(() => reader.close());

  expect(() => processorLogic(reader, { name: 'p', handle: () => undefined })).toThrow(TypeError);
  expect(() => reader.processor({ name: 'p', handle: () => undefined })).toThrow(
    expect.objectContaining({ code: 'STORE_READ_ONLY' }),
  );
  await bus.close();
  expect(() => bus.processor({ name: 'p', handle: () => undefined })).toThrow(
    expect.objectContaining({ code: 'STORE_CLOSED' }),
  );
});
