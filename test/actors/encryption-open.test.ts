/** How a store gets its keys: when they are checked, who has them, and what is left of a store when they are missing. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openStore } from '#actors/open-store';
import { resolveOptions } from '#actors/options';
import { StoreSecrets } from '#kernel/crypto/secrets';
import type { Engine } from '#kernel/storage/engine';
import { type Bus, detach, type EncryptionOptions, openBus, type StoredEvent } from '#store';
import { Program } from '../cli/child-program.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { HookedEngine } from '../kit/hooked-engine.ts';
import { engineKinds, tempDirectory, tempStore } from '../kit/temp-store.ts';
import { nodeArguments } from '../kit/test-key.ts';

const key = randomBytes(32);
const encryption = { masterKey: key } satisfies EncryptionOptions;
const secret = 'a canary in the mine';

async function encryptedStore(options: EncryptionOptions = encryption): Promise<string> {
  const path = tempDirectory();
  await using bus = await openBus({ path, encryption: options, inline: true });
  await bus.append('s', { type: 'said', data: secret });
  return path;
}

async function dataOf(bus: Bus): Promise<unknown[]> {
  const events: StoredEvent[] = [];
  for await (const event of bus.read()) events.push(event);
  return events.map(({ data }) => data);
}

/** What says whether anything was touched. */
function facts(path: string) {
  return readdirSync(path).map((name) => {
    const { ino, size, mtimeNs, ctimeNs } = statSync(join(path, name), { bigint: true });
    return { name, ino, size, mtimeNs, ctimeNs };
  });
}

describe('the check of the master key', () => {
  const other = randomBytes(32);

  test.each<[string, object, string]>([
    ['no key', { encryption: undefined }, 'MASTER_KEY_REQUIRED'],
    ['another key', { encryption: { masterKey: other } }, 'MASTER_KEY_WRONG'],
    [
      'a provider that fails',
      { encryption: { masterKey: { id: 'x', get: () => Promise.reject(new Error('vault is sealed')) } } },
      'MASTER_KEY_REQUIRED',
    ],
  ])('comes first: with %s a store is left as it is, however it is opened', async (_, given, code) => {
    const path = await encryptedStore();
    const before = facts(path);

    for (const how of [{}, { inline: true }, { readOnly: true }, { rebuildIndex: true }]) {
      await expect(openBus({ path, ...how, ...given })).rejects.toMatchObject({ code });
    }

    expect(facts(path)).toEqual(before);
  });

  test('does not wait for a store that is locked', async () => {
    const { directory } = tempStore('lmdb');
    await using bus = await openBus({ path: directory, encryption });

    const refused = openBus({ path: directory, encryption: { masterKey: other }, lockWaitMs: 60_000 });

    await expect(refused).rejects.toMatchObject({ code: 'MASTER_KEY_WRONG' });
    expect(bus.state).toBe('open');
  });

  test('says nothing of the key, in any form', async () => {
    const path = await encryptedStore();

    const error = await openBus({ path, encryption: { masterKey: other } }).catch((caught: unknown) => caught);

    const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
    for (const form of ['hex', 'base64'] as const) expect(shown).not.toContain(other.toString(form).slice(0, 20));
  });
});

test.each(engineKinds)('what is sealed is read again after a restart, in a store on %s', async (kind) => {
  const store = tempStore(kind);
  const first = await store.openBus({ encryption });
  await first.append('s', { type: 'said', data: secret });
  await first.close();

  const again = await store.openBus({ encryption: { masterKey: createSecretKey(key) } });

  expect(await dataOf(again)).toEqual([secret]);
  await again.close();
  if (kind === 'lmdb') expect(readFileSync(join(store.directory, 'log.mdb')).includes(secret)).toBe(false);
});

test('two threads, reader threads and another process read sealed events, also those appended later', async () => {
  const path = await encryptedStore();
  await using bus = await openBus({ path, encryption });
  const threads = [await ConnectedThread.start(bus), await ConnectedThread.start(bus)];
  const program = `
    import { openBus } from '#store';
    const [path, key] = process.argv.slice(1);
    const bus = await openBus({ path, readOnly: true, encryption: { masterKey: Buffer.from(key, 'hex') } });
    for await (const { data } of bus.subscribe()) console.log(JSON.stringify(data));`;
  const reader = new Program([
    ...[...nodeArguments, '--input-type=module', '--eval', program],
    ...[path, key.toString('hex')],
  ]);
  await reader.untilLines(1);

  await threads[0]?.append('other', { type: 'said', data: 'from a thread' });
  await bus.append('third', { type: 'said', data: 'from here' });

  const all = [secret, 'from a thread', 'from here'];
  for (const thread of threads) expect(await thread.data()).toEqual(all);
  expect(await dataOf(bus)).toEqual(all);
  expect(await bus.query(new URL('query-modules/collecting.ts', import.meta.url))).toEqual(all);
  expect((await reader.untilLines(3)).map((line) => JSON.parse(line))).toEqual(all);
});

describe('a store that was plain', () => {
  async function plainStore(): Promise<string> {
    const path = tempDirectory();
    await using bus = await openBus({ path, encryption: undefined });
    await bus.append('s', [{ type: 'said', data: 'plainly' }, { type: 'said' }]);
    return path;
  }

  test('seals what is new, reads what is old, and says how much of it is plain', async () => {
    const path = await plainStore();

    const bus = await openBus({ path, encryption });
    await bus.append('s', { type: 'said', data: secret });

    expect(await dataOf(bus)).toEqual(['plainly', undefined, secret]);
    expect(bus.info().encryption).toMatchObject({ mode: 'all', plainEvents: 2, keys: 1, erasedKeys: 0 });
    expect(await bus.verify()).toMatchObject({ ok: true });
    await bus.close();
    expect(readFileSync(join(path, 'log.mdb')).includes(secret)).toBe(false);
    await expect(openBus({ path, encryption: undefined })).rejects.toMatchObject({ code: 'MASTER_KEY_REQUIRED' });
  });

  test.each(engineKinds)(
    'is made whole by the next open when a crash came before its log knew of the keys (%s)',
    async (kind) => {
      const store = tempStore(kind);
      const plain = await store.openBus({ encryption: undefined });
      await plain.append('s', [{ type: 'said', data: 'plainly' }, { type: 'said' }]);
      await plain.close();
      const crashing = store.openBus({ encryption }, (engine) => failingCommit(engine));
      await expect(crashing).rejects.toThrow('the process ends here');
      await expect(store.openBus({ encryption: undefined })).rejects.toMatchObject({ code: 'MASTER_KEY_REQUIRED' });

      const bus = await store.openBus({ encryption });
      await bus.append('s', { type: 'said', data: secret });

      expect(bus.info().encryption).toMatchObject({ plainEvents: 2 });
      expect(await dataOf(bus)).toEqual(['plainly', undefined, secret]);
    },
  );

  test('stays plain for a process that only reads, which follows when a writer encrypts it', async () => {
    const path = await plainStore();
    const { directory } = tempStore('lmdb');
    const plain = await openBus({ path: directory, encryption: undefined });
    await plain.append('s', { type: 'said', data: 'plainly' });
    await plain.close();
    const program = `
      import { openBus } from '#store';
      const [path, key] = process.argv.slice(1);
      const bus = await openBus({ path, readOnly: true, encryption: { masterKey: Buffer.from(key, 'hex') } });
      for await (const { data } of bus.subscribe()) console.log(JSON.stringify(data));`;
    const args = [...nodeArguments, '--input-type=module', '--eval', program, directory, key.toString('hex')];
    const reader = new Program(args);
    await reader.untilLines(1);
    expect(readdirSync(directory)).not.toContain('keys');

    await using bus = await openBus({ path: directory, encryption });
    await bus.append('s', { type: 'said', data: secret });

    expect(await reader.untilLines(2)).toEqual(['"plainly"', JSON.stringify(secret)]);
    expect(path).not.toBe(directory);
  });
});

test('keys that have sealed something are not taken for those of a log that knows none', async () => {
  const path = tempDirectory();
  await (await openBus({ path, encryption: undefined })).close();
  writeFileSync(join(path, 'keys'), readFileSync(join(await encryptedStore(), 'keys')), { mode: 0o600 });

  await expect(openBus({ path, encryption })).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
    detail: { table: 'meta' },
  });
});

test('a store that does not open leaves no secrets in memory', async () => {
  const path = tempDirectory();
  await (await openBus({ path, encryption: undefined })).close();
  writeFileSync(join(path, 'keys'), readFileSync(join(await encryptedStore(), 'keys')), { mode: 0o600 });
  const filled = vi.spyOn(StoreSecrets.prototype, 'set');
  onTestFinished(() => filled.mockRestore());

  await expect(openBus({ path, encryption, inline: true })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });

  expect((filled.mock.contexts as StoreSecrets[]).map(({ isKnown }) => isKnown)).toEqual([false]);
});

test.each([{ encryption }, { encryption: undefined }])(
  'a store whose keys are gone is no plain one: %o',
  async (given) => {
    const path = await encryptedStore();
    rmSync(join(path, 'keys'));

    for (const how of [{}, { inline: true }, { readOnly: true }]) {
      await expect(openBus({ path, ...how, ...given })).rejects.toMatchObject({
        code: 'STORE_CORRUPT',
        detail: { table: 'keys' },
      });
    }
    expect(readdirSync(path)).not.toContain('keys');
  },
);

test('a sealed event outlives its bus once its data was looked at, and its keys are gone otherwise', async () => {
  const bus = await openBus({ path: await encryptedStore(), encryption });
  const [seen, unseen] = [await bus.event(1), await bus.event(1)];
  const copy = detach((await bus.event(1)) as StoredEvent);
  expect(seen?.data).toBe(secret);

  await bus.close();

  expect([seen?.data, copy.data]).toEqual([secret, secret]);
  expect(unseen).toMatchObject({ stream: 's', version: 1, type: 'said' });
  expect(() => unseen?.data).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }));
});

test('with prefixes only their streams are sealed, and a subject anywhere', async () => {
  const path = tempDirectory();
  const bus = await openBus({ path, encryption: { masterKey: key, mode: { prefixes: ['person-'] } } });
  await bus.append('person-1', { type: 'said', data: secret });
  await bus.append('orders', { type: 'said', data: 'not a secret' });
  await bus.append('orders', { type: 'said', data: 'of her alone', subject: 'ann' } as never);
  expect(bus.info().encryption).toMatchObject({ mode: 'prefixes', plainEvents: 1, keys: 2 });
  await bus.close();

  const bytes = readFileSync(join(path, 'log.mdb'));
  expect([secret, 'not a secret', 'of her alone', 'ann'].map((text) => bytes.includes(text))).toEqual([
    false,
    true,
    false,
    false,
  ]);
});

describe('a provider', () => {
  test('is asked for the key of a new store by its id, then for the one that the store names', async () => {
    const path = tempDirectory();
    const asked: string[] = [];
    const get = (id: string) => {
      asked.push(id);
      return id === 'first' ? key : randomBytes(32);
    };
    const first = await openBus({ path, encryption: { masterKey: { id: 'first', get } } });
    await first.append('s', { type: 'said', data: secret });
    await first.close();

    await using again = await openBus({
      path,
      encryption: { masterKey: { id: 'second', get: async (id) => get(id) } },
    });

    expect(asked).toEqual(['first', 'first']);
    expect(await dataOf(again)).toEqual([secret]);
    expect(again.info().encryption?.masterKeyId).toBe('first');
  });

  test.each<[string, (id: string) => unknown, string, object]>([
    ['throws', () => fail('no vault'), 'MASTER_KEY_REQUIRED', { message: 'no vault' }],
    ['rejects', async () => fail('no vault'), 'MASTER_KEY_REQUIRED', { message: 'no vault' }],
    ['gives a short key', () => key.subarray(1), 'MASTER_KEY_WRONG', { message: expect.stringContaining('31 bytes') }],
    ['gives no key', async () => undefined, 'MASTER_KEY_WRONG', { message: expect.stringContaining('undefined') }],
  ])('that %s keeps the store from being opened, and is the cause', async (_, get, code, cause) => {
    const path = tempDirectory();

    const opened = openBus({ path, encryption: { masterKey: { id: 'one', get } as never } });

    await expect(opened).rejects.toMatchObject({ code, cause, message: expect.stringContaining('"one"') });
    expect(readdirSync(path)).toEqual([]);
  });

  test('that does not answer is not waited for any longer when the signal says so', async () => {
    const never = { id: 'one', get: () => new Promise<Uint8Array>(() => undefined) };

    const opened = openBus({ path: tempDirectory(), encryption: { masterKey: never }, signal: AbortSignal.timeout(5) });

    await expect(opened).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' } });
  });
});

test('nothing of a key is in what threads are started with, in the environment, or in what a bus shows', async () => {
  const path = await encryptedStore();
  await using bus = await openBus({ path, encryption });
  await bus.query(new URL('query-modules/collecting.ts', import.meta.url));
  const thread = await ConnectedThread.start(bus);
  const inReader = await bus.query<string>(new URL('query-modules/surroundings.ts', import.meta.url));

  const shown = [
    inspect(bus, { depth: 20, showHidden: true }),
    JSON.stringify(bus.info()),
    JSON.stringify(process.env),
    JSON.stringify(process.argv),
    await thread.surroundings(),
    inReader,
  ].join('\n');

  expect(inReader).toContain('workerData');
  for (const form of ['hex', 'base64'] as const) expect(shown).not.toContain(key.toString(form).slice(0, 20));
  expect(shown).not.toContain([...key.subarray(0, 8)].join(', '));
  expect(shown).not.toMatch(/KeyObject/);
});

/** An engine that takes one commit more, by which the store is taken over. */
function failingCommit(engine: Engine): Engine {
  let isTakenOver = false;
  return new HookedEngine(engine, (commit) => {
    if (isTakenOver) fail('the process ends here');
    isTakenOver = true;
    commit();
  });
}

test.each([{}, { inline: true }, { readOnly: true }])(
  'the secrets are gone from memory when a store is closed: %o',
  async (how) => {
    const path = await encryptedStore();
    const store = await openStore(resolveOptions({ path, encryption, ...how }), { onFailed: () => undefined });
    const memory = new Uint8Array(store.keys?.secrets.memory as SharedArrayBuffer);
    const before = memory.some((byte) => byte !== 0);

    await store.stopAppends();
    await store.release();

    // The first bytes are a counter.
    expect([before, memory.subarray(8).some((byte) => byte !== 0)]).toEqual([true, false]);
  },
);

function fail(message: string): never {
  throw new Error(message);
}
