import { expect, test } from 'vitest';
import { StoreSecrets } from '#kernel/crypto/secrets';
import { encodeRequest } from '#kernel/log/append-request';
import { openLogWriter } from '#kernel/log/key-setup';
import { LogReader } from '#kernel/log/log-reader';
import { LogWriter, type Outcome } from '#kernel/log/log-writer';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { masterKeyOf } from '../crypto/kit/keys.ts';
import { tempStore } from '../kit/temp-store.ts';

const options = { clock: () => 1000, idempotencyTtlMs: 1000 };

function append(writer: LogWriter): Outcome {
  return writer.commit([encodeRequest([{ stream: 'a', events: { type: 'said', data: 1 } }], {}, 0)])[0] as Outcome;
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
