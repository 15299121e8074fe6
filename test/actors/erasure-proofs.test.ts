import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBus } from '#store';
import { runCli, startCli } from '../cli/child-program.ts';
import { tempDirectory } from '../kit/temp-store.ts';

const masterKey = Buffer.alloc(32, 7);

/** A closed store with events of a stream and of a person, and a copy of it. */
async function storeAndCopy() {
  const [path, copy] = [join(tempDirectory(), 'store'), join(tempDirectory(), 'copy')];
  const bus = await openBus({ path, encryption: { masterKey } });
  await bus.append('orders', { type: 'Placed', data: 'one' });
  await bus.append('visits', { type: 'Seen', data: 'two', subject: 'eve' });
  await bus.append('kept', { type: 'Seen', data: 'three' });
  await bus.close();
  cpSync(path, copy, { recursive: true });
  return { path, copy };
}

async function dataOf(path: string, encryption: Parameters<typeof openBus>[0]['encryption']): Promise<unknown[]> {
  const bus = await openBus({ path, encryption });
  const seen: unknown[] = [];
  for await (const { stream, data, erased } of bus.read())
    if (!stream.startsWith('$')) seen.push(erased === true ? 'erased' : data);
  await bus.close();
  return seen;
}

test('a copy that is older than an erasure erases what the ledger tells of when it is opened, for good', async () => {
  const { path, copy } = await storeAndCopy();
  const bus = await openBus({ path, encryption: { masterKey } });
  await bus.erase({ stream: 'orders' });
  await bus.erase({ subject: 'eve' });
  const ledger = await bus.eraseLedger();
  await bus.close();
  const file = join(tempDirectory(), 'ledger');
  writeFileSync(file, ledger);

  expect(await dataOf(copy, { masterKey, ledger: file })).toEqual(['erased', 'erased', 'three']);
  expect(await dataOf(copy, { masterKey })).toEqual(['erased', 'erased', 'three']);
  expect(await dataOf(copy, { masterKey, ledger })).toEqual(['erased', 'erased', 'three']);
});

test("a ledger that is changed, another store's, or not there, opens nothing and erases nothing", async () => {
  const { path, copy } = await storeAndCopy();
  const other = await openBus({ path: ':memory:', encryption: { masterKey } });
  const foreign = await other.eraseLedger();
  await other.close();
  const bus = await openBus({ path, encryption: { masterKey } });
  await bus.erase({ stream: 'orders' });
  const ledger = await bus.eraseLedger();
  await bus.close();
  const changed = Uint8Array.from(ledger, (byte, index) => (index === 40 ? byte ^ 1 : byte));
  const reasonOf = async (given: Uint8Array | string) =>
    await openBus({ path: copy, encryption: { masterKey, ledger: given } }).then(
      (opened) => opened.close(),
      ({ code, detail }) => [code, detail.reason],
    );

  expect(await reasonOf(changed)).toEqual(['LEDGER_INVALID', 'damaged']);
  expect(await reasonOf(foreign)).toEqual(['LEDGER_INVALID', 'other-store']);
  expect(await reasonOf(join(copy, 'no such'))).toEqual(['LEDGER_INVALID', 'unreadable']);
  expect(await dataOf(copy, { masterKey })).toEqual(['one', 'two', 'three']);
});

test('a ledger is refused where nothing may be written, and where it is no ledger', async () => {
  const { path } = await storeAndCopy();
  const open = (ledger: unknown, readOnly: boolean) =>
    openBus({ path, readOnly, encryption: { masterKey, ledger: ledger as Uint8Array } });

  await expect(open(new Uint8Array(64), true)).rejects.toThrow(TypeError);
  await expect(open(5, false)).rejects.toThrow(/encryption.ledger must be the bytes of a ledger, or the path of one/);
});

test('verify looks for erased keys in every file of the store', async () => {
  const { path, copy } = await storeAndCopy();
  const bus = await openBus({ path, encryption: { masterKey } });
  await bus.erase({ stream: 'orders' });

  const clean = await bus.verify({ erased: true });
  cpSync(join(copy, 'keys'), join(path, 'forgotten copy'));
  const found = await bus.verify({ erased: true });
  const unasked = await bus.verify();
  await bus.close();

  expect(clean).toMatchObject({ ok: true, erased: { ok: true, keys: 1, problemCount: 0 } });
  expect(clean.erased?.bytes).toBeGreaterThan(readFileSync(join(path, 'keys')).length);
  expect(found).toMatchObject({ ok: false, problemCount: 0, erased: { ok: false, problemCount: 1 } });
  expect(found.erased?.problems).toMatchObject([{ file: 'forgotten copy', keyId: 1, what: 'wrapped key' }]);
  expect(unasked).toMatchObject({ ok: true, erased: undefined });
});

test('without encryption there is no ledger, and nothing to look for', async () => {
  const bus = await openBus({ path: ':memory:', encryption: undefined });

  await expect(bus.eraseLedger()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(bus.verify({ erased: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await bus.close();
});

test.each([undefined, { masterKey }])(
  'of a bus that is closed, neither is there (encryption: %o)',
  async (encryption) => {
    const bus = await openBus({ path: ':memory:', encryption });
    await bus.close();

    await expect(bus.eraseLedger()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(bus.verify({ erased: true })).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  },
);

test('the command verify --erased tells what is left, and where', async () => {
  const { path, copy } = await storeAndCopy();
  const bus = await openBus({ path, encryption: { masterKey } });
  await bus.erase({ stream: 'orders' });
  await bus.close();
  const keyFile = join(tempDirectory(), 'key');
  writeFileSync(keyFile, masterKey, { mode: 0o600 });

  const clean = await runCli('verify', path, '--erased', '--key-file', keyFile);
  cpSync(join(copy, 'keys'), join(path, 'forgotten'));
  const found = await runCli('verify', path, '--erased', '--key-file', keyFile);

  expect(clean).toMatchObject({ code: 0, stderr: '' });
  expect(clean.stdout).toMatch(
    /nothing is wrong\nok: looked for 1 erased key in \d+ files, [\d, {2}]+ bytes; nothing is left\n$/,
  );
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/\nLEFT OVER: 1 place \(.*\)\n {2}forgotten at byte \d+: wrapped key 1\n$/);
});

test('the search for erased keys takes nothing away from LMDB: the bus goes on while other processes open the store', async () => {
  const path = join(tempDirectory(), 'store');
  const bus = await openBus({ path, encryption: { masterKey } });
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  await bus.append('s', { type: 't', data: 1 });
  await bus.erase({ stream: 's' });

  const filesBefore = readdirSync(path);
  const { erased } = await bus.verify({ erased: true });
  const filesAfter = readdirSync(path);
  // LMDB in another process frees the slots of readers that hold no lock.
  const keyFile = join(tempDirectory(), 'key');
  writeFileSync(keyFile, masterKey, { mode: 0o600 });
  const { code } = await startCli('info', path, '--key-file', keyFile).ended;
  await bus.append('other', { type: 't', data: 2 });
  await bus.close();

  expect(code).toBe(0);
  expect(erased).toMatchObject({ ok: true, keys: 1 });
  expect(filesBefore).toContain('log.mdb-lock');
  // The status file comes when the bus has been open for a moment: before, meanwhile, or after.
  expect([filesBefore.length, filesAfter.length]).toContain(erased?.files);
  expect(errors).toEqual([]);
});

test.each([{ erased: 'yes' }, { eased: true }])(
  'verify refuses options that it does not understand: %j',
  async (options) => {
    const bus = await openBus({ path: ':memory:' });

    await expect(bus.verify(options as object)).rejects.toThrow(TypeError);

    await bus.close();
  },
);
