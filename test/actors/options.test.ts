import { expect, test } from 'vitest';
import { type Bus, openBus } from '#store';
import { tempBus, tempDirectory } from '../kit/temp-store.ts';

test.each<[string, object]>([
  ['path', {}],
  ['path', { path: '' }],
  ['path', { path: 7 }],
  ['path', { path: null }],
  ['durability', { durability: 'none' }],
  ['durability', { durability: null }],
  ['readOnly', { readOnly: 'yes' }],
  ['inline', { inline: 'yes' }],
  ['lockWaitMs', { lockWaitMs: -1 }],
  ['lockWaitMs', { lockWaitMs: 86_400_001 }],
  ['lockWaitMs', { lockWaitMs: Number.NaN }],
  ['lockWaitMs', { lockWaitMs: '10' }],
  ['idempotencyTtlMs', { idempotencyTtlMs: 0 }],
  ['idempotencyTtlMs', { idempotencyTtlMs: Number.POSITIVE_INFINITY }],
  ['force', { force: 'network-file-system' }],
  ['force', { force: ['everything'] }],
  ['clock', { clock: 1234 }],
  ['signal', { signal: {} }],
  ['readers', { readers: 0 }],
  ['inline', { clock: Date.now, inline: false }],
])('an option %s that is out of range is a TypeError that names it: %o', async (option, given) => {
  const path = 'path' in given || option === 'path' ? {} : { path: ':memory:' };

  const opened = openBus({ ...path, ...given } as { path: string });

  await expect(opened).rejects.toThrow(new RegExp(`^${option} must be `));
  await expect(opened).rejects.toBeInstanceOf(TypeError);
});

test('openBus without options is a TypeError', async () => {
  await expect(openBus(undefined as never)).rejects.toBeInstanceOf(TypeError);
});

test('an option that is undefined has its default', async () => {
  const bus = await openBus({ path: ':memory:', durability: undefined, clock: undefined, inline: undefined } as never);

  const appended = await bus.append('a', { type: 'x' }, { expectedVersion: undefined, metadata: undefined } as never);

  expect(appended).toMatchObject({ firstPosition: 1 });
  await bus.close();
});

test.each<[string, (bus: Bus, options: object) => unknown]>([
  ['append', (bus, options) => bus.append('a', { type: 'x' }, options)],
  ['appendMany', (bus, options) => bus.appendMany([{ stream: 'a', events: { type: 'x' } }], options)],
  ['read', (bus, options) => bus.read(options)],
  ['readStream', (bus, options) => bus.readStream('a', options)],
  ['subscribe', (bus, options) => bus.subscribe(options)],
  ['streams', (bus, options) => bus.streams(options)],
])('an option that %s does not have is a TypeError that lists those it has', async (method, call) => {
  const bus = await tempBus();

  const refused = (async () => call(bus, { expectVersion: 3 }))();

  await expect(refused).rejects.toThrow(new RegExp(`^${method} has no option "expectVersion"; it has .*signal`));
  expect(bus.head).toBe(0);
});

test('openBus refuses an option it does not have', async () => {
  const opened = openBus({ path: ':memory:', durabilty: 'os' } as never);

  await expect(opened).rejects.toThrow(/^openBus has no option "durabilty"/);
});

test('a store in memory is of its bus alone', async () => {
  const first = await openBus({ path: ':memory:' });
  await first.append('a', { type: 'x' });

  const second = await openBus({ path: ':memory:' });

  expect([first.head, second.head]).toEqual([1, 0]);
  expect(first.capabilities).toEqual({
    engine: 'memory',
    durability: 'none',
    processes: false,
    threads: false,
    readOnly: false,
  });
  await Promise.all([first.close(), second.close()]);
});

test('a store on disk is made where it is asked for and found again', async () => {
  const path = `${tempDirectory()}/deep/inside`;
  const first = await openBus({ path });
  await first.append('a', { type: 'x' });
  await first.close();

  const second = await openBus({ path });

  expect(second.head).toBe(1);
  expect(second.capabilities).toMatchObject({ engine: 'lmdb', durability: 'sync', readOnly: false });
  await second.close();
});

test('a bus that fails to open releases the store', async () => {
  const path = tempDirectory();
  const failing = await openBus({ path, clock: Date.now });
  await failing.close();

  const readOnly = await openBus({ path, readOnly: true });
  await readOnly.close();
  const again = await openBus({ path });

  expect(again.head).toBe(0);
  await again.close();
});

test('a store that does not exist is not opened read-only', async () => {
  const opened = openBus({ path: `${tempDirectory()}/nothing`, readOnly: true });

  await expect(opened).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
});
