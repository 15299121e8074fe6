import { expect, test } from 'vitest';
import type { Bus } from '#store';
import { tempStore } from '../kit/temp-store.ts';
import { runCli } from './child-program.ts';
import { storeOf } from './store-fixture.ts';

/** Runs a processor to the head, and closes it. */
async function process(bus: Bus, name: string, partitions: number, bad?: string): Promise<void> {
  await using processor = bus.processor({
    name,
    partitions,
    onFailure: 'park-stream',
    retry: { attempts: 0 },
    handle: ({ stream }) => {
      if (stream === bad) throw new Error('broken');
    },
  });
  processor.start();
  await processor.caughtUp();
}

async function storeWithProcessors() {
  const store = tempStore('lmdb');
  const bus = await store.openBus({ clock: () => 1_000_000_000_000 });
  bus.errors$.subscribe();
  for (let round = 0; round < 3; round++) {
    for (const stream of ['orders-1', 'orders-2']) await bus.append(stream, { type: 'Placed' });
  }
  await process(bus, 'mails', 1, 'orders-2');
  await process(bus, 'bills', 2);
  await bus.append('orders-1', { type: 'Placed' });
  return { store, bus };
}

test('processors shows how far each is, its partitions, and what it gave up, while a bus writes the store', async () => {
  const { store } = await storeWithProcessors();

  const { code, stdout, stderr } = await runCli('processors', store.directory);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const updated = '2001-09-09T01:46:40.000Z';
  expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
    'name                position  lag  generation  updated                   dead letters  waiting  discarded  parked',
    `bills                      6    1           1  ${updated}             0        0          0       0`,
    `  partition 0 of 2         6    1           1  ${updated}`,
    `  partition 1 of 2         6    1           1  ${updated}`,
    `mails                      6    1           1  ${updated}             1        0          0       2`,
    '',
  ]);
});

test('processors --json is one object with the head and what bus.consumers() tells', async () => {
  const { store, bus } = await storeWithProcessors();
  await bus.deadLetters('mails').retry('all');

  const { code, stdout } = await runCli('processors', store.directory, '--json');

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ head: 7, processors: bus.consumers() });
  expect(JSON.parse(stdout).processors).toMatchObject([
    {
      name: 'bills',
      position: 6,
      lag: 1,
      partitions: [
        { index: 0, of: 2 },
        { index: 1, of: 2, position: 6, lag: 1 },
      ],
    },
    { name: 'mails', position: 6, lag: 1, generation: 1, deadLetters: 1, waiting: 1, discarded: 0, parked: 2 },
  ]);
});

test('a projection goes by its own name, with its dead letters and the build that is on its way', async () => {
  const store = tempStore('lmdb');
  const bus = await store.openBus({ clock: () => 1_000_000_000_000 });
  bus.errors$.subscribe();
  for (let count = 0; count < 3; count++) await bus.append('orders', { type: 'Placed' });
  const build = (version: number, onFailure: 'dead-letter' | 'fail', broken: number) =>
    bus.projection({
      name: 'stock',
      version,
      onFailure,
      retry: { attempts: 0 },
      checkpoint: { events: 1 },
      on: {
        Placed: (_, { position }) => {
          if (position === broken) throw new Error('broken');
        },
      },
    });
  const first = build(1, 'dead-letter', 3);
  first.start();
  await first.caughtUp();
  const [alone, ...others] = bus.consumers();
  await first.close();
  const next = build(2, 'fail', 2);
  next.start();
  await next.waitFor('failed');

  const { stdout } = await runCli('processors', store.directory);

  const counts = { deadLetters: 1, waiting: 0, discarded: 0, parked: 0 };
  expect(others).toEqual([]);
  expect(alone).toEqual({
    name: 'stock',
    position: 3,
    lag: 0,
    generation: 1,
    updatedMs: 1_000_000_000_000,
    ...counts,
  });
  expect(bus.consumers()).toMatchObject([
    { name: 'stock', position: 3, generation: 1, building: { position: 1, lag: 2, generation: 2 } },
  ]);
  const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/u));
  expect(lines).toEqual([
    ['name', 'position', 'lag', 'generation', 'updated', 'dead letters', 'waiting', 'discarded', 'parked'],
    ['stock', '3', '0', '1', '2001-09-09T01:46:40.000Z', '0', '0', '0', '0'],
    ['next build', '1', '2', '2', '2001-09-09T01:46:40.000Z'],
    [''],
  ]);
});

test('a store without processors says so', async () => {
  const directory = await storeOf(['orders', { type: 'Placed' }]);

  expect(await runCli('processors', directory)).toMatchObject({ code: 0, stdout: 'no processor has saved a cursor\n' });
  expect(JSON.parse((await runCli('processors', directory, '--json')).stdout)).toEqual({ head: 1, processors: [] });
});
