import { expect, test } from 'vitest';
import type { MasterKey } from '#kernel/crypto/master-key';
import { StoreSecrets } from '#kernel/crypto/secrets';
import { BusError } from '#kernel/errors';
import { encodeRequest } from '#kernel/log/append-request';
import { openLogWriter } from '#kernel/log/key-setup';
import { LogReader } from '#kernel/log/log-reader';
import { LogWriter, type Outcome } from '#kernel/log/log-writer';
import type { Engine } from '#kernel/storage/engine';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { masterKeyOf } from '../crypto/kit/keys.ts';
import { HookedEngine } from '../kit/hooked-engine.ts';
import { tempStore } from '../kit/temp-store.ts';

const options = { clock: () => 1000, idempotencyTtlMs: 1000 };

const request = () => encodeRequest([{ stream: 'a', events: { type: 'said', data: 1 } }], {}, 0);

function append(writer: LogWriter): Outcome {
  return writer.commit([request()])[0] as Outcome;
}

test('a writer that has lost its lock commits nothing plain behind the position from which on all is sealed', async () => {
  const shared = await tempStore().openEngine();
  const before = new LogWriter(shared, options);
  const late: Outcome[] = [];
  const storage = new MemoryKeyStorage('keys');
  storage.recover = () => late.push(append(before));

  const { engine, writer } = openLogWriter(shared, options, {
    storage,
    secrets: new StoreSecrets(),
    masterKey: masterKeyOf(1),
    mode: 'all',
    ledger: undefined,
  });
  const own = append(writer);

  expect(late[0]).toMatchObject({ error: { code: 'WRITER_FENCED' } });
  expect(own).toMatchObject({ results: [{ firstPosition: 1 }] });
  expect(
    new LogReader(engine, writer).stream('a', 1, 1, 'forward', Number.POSITIVE_INFINITY).map(({ data }) => data),
  ).toEqual([1]);
});

test('a rotation whose group finds no space is told as done: the master key from before opens nothing any more', async () => {
  const shared = await tempStore().openEngine();
  const storage = new MemoryKeyStorage('keys');
  const open = (masterKey: MasterKey, engine: Engine = shared) =>
    openLogWriter(engine, options, { storage, secrets: new StoreSecrets(), masterKey, mode: 'all', ledger: undefined });
  const disk = { isFull: false };
  const filling = (commit: () => void) => {
    if (disk.isFull) throw new BusError('STORE_FULL', 'no space', { path: '' });
    commit();
  };
  const { writer } = open(masterKeyOf(1), new HookedEngine(shared, filling));
  append(writer);

  disk.isFull = true;
  const outcomes = writer.commit([request(), { kind: 'rotate', masterKey: masterKeyOf(2) }]);
  disk.isFull = false;

  expect(outcomes).toEqual([{ error: expect.objectContaining({ code: 'STORE_FULL' }) }, { results: [] }]);
  expect(append(writer)).toMatchObject({ results: [{ firstVersion: 2 }] });
  expect(() => open(masterKeyOf(1))).toThrow(expect.objectContaining({ code: 'MASTER_KEY_WRONG' }));
  expect(append(open(masterKeyOf(2)).writer)).toMatchObject({ results: [{ firstVersion: 3 }] });
});
