import { expect, test } from 'vitest';
import { openBus } from '#store';
import { tempStore } from '../kit/temp-store.ts';
import { runCli } from './child-program.ts';
import { storeOf } from './store-fixture.ts';

test('info shows what a store is and how much is in it', async () => {
  const events = Array.from({ length: 1234 }, () => ({ type: 'Placed' }));
  const directory = await storeOf(['orders', events]);

  const { code, stdout } = await runCli('info', directory);

  expect(code).toBe(0);
  expect(stdout).toContain(`path         ${directory}\n`);
  expect(stdout).toContain('durability   sync: ');
  expect(stdout).toContain('events       1,234\n');
  expect(stdout).toMatch(/first event {2}\d{4}-\d\d-\d\dT[\d:.]+Z\n/);
  expect(stdout).toMatch(/size {9}[\d,]+ bytes, \d+ for each event\n/);
});

test('info of an empty store shows that there is no event', async () => {
  const directory = await storeOf();

  const { code, stdout } = await runCli('info', directory);

  expect(code).toBe(0);
  expect(stdout).toContain('events       0\n');
  expect(stdout).toContain('first event  -\nlast event   -\n');
});

test('info --json is one object: what the store says of itself, and the times of its first and last event', async () => {
  let timeMs = 1000;
  const store = tempStore('lmdb');
  const writer = await store.openBus({ durability: 'os', clock: () => timeMs });
  await writer.append('orders', { type: 'Placed' });
  timeMs = 2000;
  await writer.append('orders', { type: 'Placed' });
  await writer.close();
  const bus = await openBus({ path: store.directory, readOnly: true });

  const { code, stdout } = await runCli('info', '--json', store.directory);

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ ...bus.info(), firstTimeMs: 1000, lastTimeMs: 2000 });
  expect(JSON.parse(stdout)).toMatchObject({ head: 2, durability: 'os' });
  await bus.close();
});

test('info works while a bus writes the store', async () => {
  const store = tempStore('lmdb');
  const bus = await store.openBus();
  await bus.append('orders', { type: 'Placed' });

  const { code, stdout } = await runCli('info', store.directory, '--json');

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ head: 1 });
});
