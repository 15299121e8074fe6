/** Buses in other threads, connected to the bus of this one. */
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { type Bus, connectBus, openBus } from '#store';
import { collect } from '../kit/collect.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { tempDirectory } from '../kit/temp-store.ts';
import { nodeArguments } from '../kit/test-key.ts';

const event = { type: 'placed' };

async function openedBus(inline: boolean, path = tempDirectory()): Promise<Bus> {
  const bus = await openBus({ path, inline });
  onTestFinished(() => bus.close());
  return bus;
}

const hosts = [
  ['a writer thread', false],
  ['an inline writer', true],
] as const;

test.each(hosts)('a connected thread appends, reads its own writes and those of others (%s)', async (_name, inline) => {
  const bus = await openedBus(inline);
  const [one, two] = await Promise.all([ConnectedThread.start(bus), ConnectedThread.start(bus)]);

  expect(await one.append('a', event)).toMatchObject({ firstPosition: 1, firstVersion: 1 });
  expect(await one.read()).toEqual([1]);
  expect(await two.append('a', [event, event], { expectedVersion: 1 })).toMatchObject({ lastVersion: 3 });
  expect(await bus.append('a', event, { expectedVersion: 3 })).toMatchObject({ lastVersion: 4 });

  expect(await one.read()).toEqual([1, 2, 3, 4]);
  expect([await one.head(), await two.head(), bus.head]).toEqual([4, 4, 4]);
});

test.each(hosts)('a refusal crosses threads with its code, detail and message (%s)', async (_name, inline) => {
  const bus = await openedBus(inline);
  const thread = await ConnectedThread.start(bus);
  await bus.append('a', event);

  await expect(thread.append('a', event, { expectedVersion: 'no-stream' })).rejects.toMatchObject({
    code: 'CONCURRENCY_CONFLICT',
    detail: { stream: 'a', expected: 'no-stream', actual: 1 },
    message: expect.stringContaining('reload it'),
  });
  await expect(thread.append('', event)).rejects.toMatchObject({ code: 'STREAM_NAME_INVALID' });
});

test.each(hosts)('a subscription and head$ in a thread are woken by appends of others (%s)', async (_name, inline) => {
  const bus = await openedBus(inline);
  const thread = await ConnectedThread.start(bus);
  await thread.watch();
  const followed = thread.follow(0, 3);

  await bus.append('a', event);
  await bus.append('a', [event, event]);

  expect(await followed).toEqual([1, 2, 3]);
  await expect.poll(async () => (await thread.heads()).at(-1)).toBe(3);
  expect((await thread.heads())[0]).toBe(0);
});

test('a thread that is terminated while it appends harms nobody', async () => {
  const bus = await openedBus(false);
  const [victim, witness] = await Promise.all([ConnectedThread.start(bus), ConnectedThread.start(bus)]);

  victim.tell('spin', 3000);
  for (let count = 0; count < 50; count++) await bus.append('mine', event);
  await victim.worker.terminate();
  await witness.append('its', event);

  expect((await bus.stream('mine'))?.version).toBe(50);
  expect(await witness.read()).toEqual(Array.from({ length: bus.head }, (_, index) => index + 1));
  expect(await bus.verify()).toMatchObject({ ok: true });
});

test('what a thread has sent before it exits is committed, and the bus goes on', async () => {
  const bus = await openedBus(false);
  const thread = await ConnectedThread.start(bus);

  thread.tell('exit', 20);
  await thread.exited;

  await bus.append('mine', event);
  await expect.poll(async () => (await bus.stream('left'))?.version).toBe(20);
});

test.each(hosts)('threads are closed with the bus, and the store can be opened again (%s)', async (_name, inline) => {
  const path = tempDirectory();
  const bus = await openedBus(inline, path);
  const thread = await ConnectedThread.start(bus);
  const followed = thread.follow(0, 100);
  await thread.append('a', event);

  await bus.close();

  expect(await followed).toBe('ended');
  await expect(thread.append('a', event)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  const again = await openedBus(inline, path);
  expect(again.head).toBe(1);
});

test('a thread that does not answer keeps the bus from closing for two seconds only', async () => {
  const path = tempDirectory();
  const bus = await openedBus(false, path);
  const thread = await ConnectedThread.start(bus);
  thread.tell('spin', 0);
  await bus.append('a', event);

  await bus.close();

  // Its reader is still there: LMDB in this process can't be opened anew until the thread has gone.
  await expect(openBus({ path })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  await thread.worker.terminate();
  const again = await openedBus(false, path);
  expect(again.head).toBe(1);
});

test('a connected bus that closes leaves the others open', async () => {
  const bus = await openedBus(false);
  const thread = await ConnectedThread.start(bus);
  await thread.append('a', event);

  await thread.close();
  await thread.close();

  await expect(thread.append('a', event)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  expect(await bus.append('a', event)).toMatchObject({ lastVersion: 2 });
});

test('a thread connected to a read-only bus follows the store, and appends nothing', async () => {
  const path = tempDirectory();
  const writer = await openedBus(false, path);
  await writer.append('a', event);
  const reader = await openBus({ path, readOnly: true });
  onTestFinished(() => reader.close());
  const thread = await ConnectedThread.start(reader);
  const followed = thread.follow(1, 1);

  await writer.append('a', event);

  expect(await followed).toEqual([2]);
  await expect(thread.append('a', event)).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
});

test('a port may be connected in the thread of the bus itself', async () => {
  const bus = await openedBus(false);
  const connected = await connectBus(bus.port());
  onTestFinished(() => connected.close());

  await connected.append('a', event);

  expect(await collect(bus.read())).toHaveLength(1);
  expect(connected.capabilities).toEqual(bus.capabilities);
});

test('a connected bus gives no ports, and a store in memory none at all', async () => {
  const bus = await openedBus(false);
  const thread = await ConnectedThread.start(bus);
  const memory = await openedBus(true, ':memory:');

  await expect(thread.port()).rejects.toMatchObject({ code: 'UNSUPPORTED', detail: { feature: 'threads' } });
  expect(() => memory.port()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
});

test('connecting to a bus that is closed fails with STORE_CLOSED, and waiting for one ends with the signal', async () => {
  const bus = await openBus({ path: tempDirectory() });
  const port = bus.port();
  await bus.close();

  await expect(connectBus(port)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  const { port1, port2 } = new MessageChannel();
  await expect(connectBus(port1, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: 'ABORTED' });
  port2.close();
  expect(() => bus.port()).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }));
});

test('a wait for a bus that is aborted before it begins harms nothing', async () => {
  const bus = await openedBus(false);
  const port = bus.port();

  await expect(connectBus(port, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });

  expect(await bus.append('a', event)).toMatchObject({ firstPosition: 1 });
});

test('a thread that only connects ends by itself', async () => {
  const bus = await openedBus(false);
  const port = bus.port();
  const worker = new Worker(new URL('./threads/connecting.ts', import.meta.url), {
    workerData: { port },
    transferList: [port],
    execArgv: [...nodeArguments],
  });

  expect(await once(worker, 'exit')).toEqual([0]);
});

test('a bus with ports keeps an exit waiting for commits, also between its own appends', async () => {
  const bus = await openedBus(false);
  const before = process.listenerCount('exit');

  bus.port().close();
  expect(process.listenerCount('exit')).toBe(before + 1);
  await bus.append('a', event);

  expect(process.listenerCount('exit')).toBe(before + 1);
});

/** TEST_LONG asks for the full number of rounds. */
const rounds = process.env.TEST_LONG === undefined ? 100 : 10_000;

test(`callers of four threads that race for ${rounds} versions win each once`, { timeout: 240_000 }, async () => {
  const bus = await openedBus(false);
  const threads = await Promise.all(Array.from({ length: 4 }, () => ConnectedThread.start(bus)));

  const won = await Promise.all(
    threads.flatMap((thread) => Array.from({ length: 4 }, () => thread.race('contested', rounds))),
  );

  expect(won.flat().sort((left, right) => left - right)).toEqual(
    Array.from({ length: rounds }, (_, index) => index + 1),
  );
  expect((await bus.stream('contested'))?.version).toBe(rounds);
  expect(bus.head).toBe(rounds);
});
