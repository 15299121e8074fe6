/** Another master key for a store that is in use: what it opens afterwards, who follows, and that a crash leaves one of the two. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Bus, type MasterKeyOption, openBus, type StoredEvent } from '#store';
import { Program } from '../cli/child-program.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { engineKinds, tempBus, tempDirectory, tempStore } from '../kit/temp-store.ts';
import { nodeArguments } from '../kit/test-key.ts';

const keys: Record<string, Uint8Array> = { first: randomBytes(32), second: randomBytes(32), third: randomBytes(32) };
const [first, second] = [keys.first as Uint8Array, keys.second as Uint8Array];
/** A provider that knows all of them, and uses `id` for what is new. */
const providerOf = (id: string) => ({ id, get: async (wanted: string) => keys[wanted] as Uint8Array });

async function dataOf(bus: Bus): Promise<unknown[]> {
  const events: StoredEvent[] = [];
  for await (const event of bus.read()) events.push(event);
  return events.map(({ data }) => data);
}

describe.each(engineKinds)('a rotated master key (%s)', (kind) => {
  test('opens the store, which the old one does not any more', async () => {
    const store = tempStore(kind);
    const bus = await store.openBus({ encryption: { masterKey: first } });
    await bus.append('a', { type: 'x', data: 'before' });

    await bus.rotateMasterKey(second);
    await bus.append('a', { type: 'x', data: 'after' });
    await bus.append('b', { type: 'x', data: 'new key' });

    expect(await dataOf(bus)).toEqual(['before', 'after', 'new key']);
    await bus.close();
    await expect(store.openBus({ encryption: { masterKey: first } })).rejects.toMatchObject({
      code: 'MASTER_KEY_WRONG',
    });
    const again = await store.openBus({ encryption: { masterKey: second } });
    expect(await dataOf(again)).toEqual(['before', 'after', 'new key']);
    expect(await again.verify()).toMatchObject({ ok: true });
  });

  test('may be followed by another one, and has the name that its provider gives it', async () => {
    const store = tempStore(kind);
    const bus = await store.openBus({ encryption: { masterKey: providerOf('first') } });
    await bus.append('a', { type: 'x', data: 1 });

    await bus.rotateMasterKey(providerOf('second'));
    const named = bus.info().encryption?.masterKeyId;
    await bus.rotateMasterKey(providerOf('third'));

    expect([named, bus.info().encryption?.masterKeyId]).toEqual(['second', 'third']);
    await bus.close();
    const again = await store.openBus({ encryption: { masterKey: providerOf('first') } });
    expect(await dataOf(again)).toEqual([1]);
  });
});

test('a rotation goes on beside appends and reads, in all threads of the process', async () => {
  const path = tempDirectory();
  await using bus = await openBus({ path, encryption: { masterKey: first } });
  const thread = await ConnectedThread.start(bus);
  const appended: Promise<unknown>[] = [];
  for (let n = 0; n < 200; n++) appended.push(bus.append(`s${n % 50}`, { type: 'x', data: n }));

  const rotated = bus.rotateMasterKey(second);
  for (let n = 200; n < 400; n++) appended.push(thread.append(`t${n % 50}`, { type: 'x', data: n }));
  await Promise.all([...appended, rotated]);
  await thread.append('of a new key', { type: 'x', data: 400 });

  const all = Array.from({ length: 401 }, (_, n) => n);
  const sorted = (data: unknown[]) => data.map(Number).sort((left, right) => left - right);
  const folded = await bus.query<number[]>(new URL('query-modules/collecting.ts', import.meta.url));
  expect(sorted(await thread.data())).toEqual(all);
  expect(sorted(await dataOf(bus))).toEqual(all);
  expect(sorted(folded)).toEqual(all);
});

describe('another process that reads', () => {
  /** Subscribes with the key of `masterKey`, an expression, and goes on after a failure: prints data, and codes. */
  async function reader(path: string, masterKey: string): Promise<Program> {
    const program = `
      import { openBus } from '#store';
      const [path, ...texts] = process.argv.slice(1);
      const [first, second] = texts.map((text) => Buffer.from(text, 'hex'));
      const bus = await openBus({ path, readOnly: true, encryption: { masterKey: ${masterKey} } });
      let after = 0;
      let told;
      for (;;) {
        try {
          for await (const { data, position } of bus.subscribe({ after })) {
            console.log(data);
            after = position;
          }
        } catch ({ code }) {
          if (code !== told) console.log(code);
          told = code;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }`;
    const hex = [first, second].map((key) => Buffer.from(key).toString('hex'));
    const started = new Program([...nodeArguments, '--input-type=module', '--eval', program, path, ...hex]);
    await started.untilLines(1);
    return started;
  }

  test('listens on while its provider takes its time, and hears then what came meanwhile', async () => {
    const path = tempDirectory();
    await using bus = await openBus({ path, encryption: { masterKey: providerOf('first') } });
    await bus.append('a', { type: 'x', data: 'before' });
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Uint8Array>();
    const get = (id: string) => {
      if (id === 'first') return first;
      asked.resolve();
      return answer.promise;
    };
    await using reading = await openBus({ path, readOnly: true, encryption: { masterKey: { id: 'first', get } } });
    const heard: unknown[] = [];
    reading.errors$.subscribe((error) => heard.push(error));
    reading.on('x', ({ data }) => heard.push(data));

    await bus.rotateMasterKey(providerOf('second'));
    await bus.append('b', { type: 'x', data: 'after' });
    await asked.promise;
    expect(reading.head).toBe(1);
    answer.resolve(second);

    await expect.poll(() => heard).toEqual(['after']);
    expect(reading.head).toBe(2);
  });

  test('is told that its key is an old one', async () => {
    const path = tempDirectory();
    await using bus = await openBus({ path, encryption: { masterKey: first } });
    await bus.append('a', { type: 'x', data: 'before' });
    const process = await reader(path, 'first');

    await bus.rotateMasterKey(second);
    await bus.append('b', { type: 'x', data: 'after' });

    expect(await process.untilLines(2)).toEqual(['before', 'MASTER_KEY_WRONG']);
  });

  test.each(['', 'async '])('asks its provider for the new key and goes on (%sprovider)', async (how) => {
    const path = tempDirectory();
    await using bus = await openBus({ path, encryption: { masterKey: providerOf('first') } });
    await bus.append('a', { type: 'x', data: 'before' });
    const process = await reader(path, `{ id: 'first', get: ${how}(id) => ({ first, second })[id] }`);

    await bus.rotateMasterKey(providerOf('second'));
    await bus.append('b', { type: 'x', data: 'after' });

    expect(await process.untilLines(2)).toEqual(['before', 'after']);
  });
});

test.each(['before', 'after'] as const)(
  'a process that is killed %s the log knows of a rotation leaves one key',
  async (when) => {
    const path = tempDirectory();
    const program = new URL('../durability/programs/rotating.ts', import.meta.url);
    const hex = [first, second].map((key) => Buffer.from(key).toString('hex'));
    const rotating = new Program([...nodeArguments, program.pathname, path, when, ...hex]);
    const { stdout } = await rotating.ended;
    expect(stdout).toBe('rotating\n');

    const opened = await Promise.allSettled(
      [first, second].map((masterKey) => openBus({ path, readOnly: true, encryption: { masterKey } })),
    );

    expect(opened.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    for (const result of opened) if (result.status === 'fulfilled') await result.value.close();
    await using bus = await openBus({ path, encryption: { masterKey: second } });
    await bus.append('b', { type: 'x', data: 'after' });
    expect(await dataOf(bus)).toEqual(['before', 'after']);
    expect(await bus.verify()).toMatchObject({ ok: true });
  },
);

describe('rotateMasterKey is refused', () => {
  test.each<[string, MasterKeyOption, object]>([
    [
      'a key that is none',
      first.subarray(1),
      { message: expect.stringMatching(/^next must be 32 bytes.*got 31 bytes$/) },
    ],
    [
      'a provider without one',
      { id: 'x', get: () => Promise.reject(new Error('no')) },
      { code: 'MASTER_KEY_REQUIRED' },
    ],
    ['a provider with a bad one', { id: 'x', get: () => first.subarray(1) }, { code: 'MASTER_KEY_WRONG' }],
  ])('with %s, and nothing changes', async (_, next, error) => {
    const store = tempStore('lmdb');
    const bus = await store.openBus({ encryption: { masterKey: first } });

    await expect(bus.rotateMasterKey(next)).rejects.toMatchObject(error);

    await bus.append('a', { type: 'x' });
    await bus.close();
    await (await store.openBus({ encryption: { masterKey: first } })).close();
  });

  test('when the signal ends the wait for a provider that does not answer', async () => {
    const bus = await tempBus({ encryption: { masterKey: first } });
    const controller = new AbortController();
    const never = { id: 'late', get: () => new Promise<Uint8Array>(() => undefined) };

    const rotated = bus.rotateMasterKey(never, { signal: controller.signal });
    controller.abort();

    await expect(rotated).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' } });
    await expect(bus.rotateMasterKey(second, { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(bus.rotateMasterKey(second, { until: 1 } as never)).rejects.toThrow(TypeError);
  });

  test('in a plain store, in a read-only bus, in a connected thread, and when the bus is closed', async () => {
    const plain = await tempBus({ encryption: undefined });
    await expect(plain.rotateMasterKey(second)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    const path = join(tempDirectory(), 'store');
    const bus = await openBus({ path, encryption: { masterKey: first } });
    const thread = await ConnectedThread.start(bus);
    await expect(thread.rotate()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      detail: { feature: 'rotateMasterKey' },
    });
    await thread.close();
    await bus.close();
    await expect(bus.rotateMasterKey(second)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await using reader = await openBus({ path, readOnly: true, encryption: { masterKey: first } });
    await expect(reader.rotateMasterKey(second)).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
  });
});
