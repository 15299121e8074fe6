import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { isWriterLocked, readWriterDescription } from '#kernel/storage/writer-lock';
import { blocksForward, commitTexts } from '../kit/engine-contract.ts';
import { nodeArguments } from '../kit/test-key.ts';
import { startEngineProcess } from './kit/engine-process.ts';
import { openEngine, usualOptions } from './kit/open.ts';
import { tempDirectory } from './kit/temp-directory.ts';

/** A thread with an engine of its own, and its first answer. */
async function startThread(directory: string, readOnly: boolean): Promise<{ worker: Worker; answer: unknown }> {
  const worker = new Worker(new URL('./kit/engine-thread.ts', import.meta.url), {
    workerData: { ...usualOptions, directory, readOnly },
    execArgv: [...nodeArguments],
  });
  onTestFinished(async () => {
    await worker.terminate();
  });
  const [answer] = await once(worker, 'message');
  return { worker, answer };
}

async function ask(worker: Worker, message: string): Promise<unknown> {
  worker.postMessage(message);
  const [answer] = await once(worker, 'message');
  return answer;
}

test('a second writer in this process is refused and told who holds the store', async () => {
  const directory = tempDirectory();
  await openEngine(directory);

  await expect(openEngine(directory)).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    detail: { path: directory, holder: expect.stringContaining('this process') },
  });
});

test('a second writer in a thread of this process is refused', async () => {
  const directory = tempDirectory();
  await openEngine(directory);

  const { answer } = await startThread(directory, false);

  expect(answer).toMatchObject({ ok: false, code: 'STORE_LOCKED' });
});

test('a second writer in another process is refused and told who holds the store', async () => {
  const directory = tempDirectory();
  await openEngine(directory);
  const child = startEngineProcess();

  const answer = await child.ask({ do: 'open', options: { directory } });

  expect(answer).toMatchObject({
    ok: false,
    code: 'STORE_LOCKED',
    detail: { holder: expect.stringContaining(`process ${process.pid} `) },
  });
});

test('a store whose writer was killed can be written at once', async () => {
  const directory = tempDirectory();
  const child = startEngineProcess();
  await child.get({ do: 'open', options: { directory } });
  await child.get({ do: 'commit', from: 1, bytes: 100, times: 10 });

  await child.kill();
  const engine = await openEngine(directory);

  expect(blocksForward(engine, 1)).toHaveLength(10);
  commitTexts(engine, { 11: 'eleven' });
  expect(blocksForward(engine, 11)).toEqual([[11, 'eleven']]);
});

test('a store whose writing thread was terminated can be written by another thread', async () => {
  const directory = tempDirectory();
  const { worker, answer } = await startThread(directory, false);

  await worker.terminate();
  const engine = await openEngine(directory);

  expect(answer).toMatchObject({ ok: true });
  expect(blocksForward(engine, 1)).toEqual([]);
});

test('an open that waits gets the store as soon as its writer is killed', async () => {
  const directory = tempDirectory();
  const child = startEngineProcess();
  await child.get({ do: 'open', options: { directory } });

  const waiting = openEngine(directory, { lockWaitMs: 20_000 });
  await child.kill();
  const killedAt = performance.now();
  const engine = await waiting;

  // Half of the time that it would have waited: a busy machine takes its time over the rest.
  expect(performance.now() - killedAt).toBeLessThan(10_000);
  expect(blocksForward(engine, 1)).toEqual([]);
});

test('an open that waits in vain is refused after lockWaitMs', async () => {
  const directory = tempDirectory();
  await openEngine(directory);
  const startedAt = performance.now();

  await expect(openEngine(directory, { lockWaitMs: 100 })).rejects.toMatchObject({ code: 'STORE_LOCKED' });

  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(99);
});

test('an open that waits ends with its signal', async () => {
  const directory = tempDirectory();
  await openEngine(directory);
  const controller = new AbortController();
  const reason = new Error('enough');

  const waiting = openEngine(directory, { lockWaitMs: 60_000, signal: controller.signal });
  controller.abort(reason);

  await expect(waiting).rejects.toMatchObject({
    code: 'ABORTED',
    detail: { outcome: 'nothing-written' },
    cause: reason,
  });
});

test('an open with an aborted signal does nothing', async () => {
  const directory = join(tempDirectory(), 'store');

  await expect(openEngine(directory, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(openEngine(directory, { readOnly: true })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
});

test('a writer describes itself beside its lock, and takes the description away when it closes', async () => {
  const directory = tempDirectory();
  const engine = await openEngine(directory);

  const description = readWriterDescription(directory);
  const locked = isWriterLocked(directory);
  engine.close();

  expect(description).toMatchObject({ pid: process.pid, host: expect.any(String), startedAt: expect.any(Number) });
  expect(locked).toBe(true);
  expect(isWriterLocked(directory)).toBe(false);
  expect(readWriterDescription(directory)).toBeUndefined();
});

test('a description that is no JSON does not matter', async () => {
  const directory = tempDirectory();
  await openEngine(directory);
  writeFileSync(join(directory, 'writer.json'), '{"host":');

  await expect(openEngine(directory)).rejects.toMatchObject({ code: 'STORE_LOCKED', detail: { holder: undefined } });
});

test('a reader in another process sees each commit when the writer has it', async () => {
  const directory = tempDirectory();
  const writer = await openEngine(directory);
  const child = startEngineProcess();
  await child.get({ do: 'open', options: { directory, readOnly: true } });

  for (let position = 1; position <= 20; position += 1) {
    commitTexts(writer, { [position]: 'x'.repeat(5000) });

    expect(await child.get({ do: 'last' })).toBe(position);
    expect(await child.get({ do: 'transaction-id' })).toBe(writer.transactionId());
  }
});

test('a reader follows one writer after the other', async () => {
  const directory = tempDirectory();
  const first = await openEngine(directory);
  const reader = startEngineProcess();
  await reader.get({ do: 'open', options: { directory, readOnly: true } });
  commitTexts(first, { 1: 'one' });
  first.close();
  const second = startEngineProcess();
  await second.get({ do: 'open', options: { directory } });

  await second.get({ do: 'commit', from: 2, bytes: 100, times: 50 });
  await second.kill();

  expect(await reader.get({ do: 'last' })).toBe(51);
});

test('readers in this process and in its threads see what the writer commits', async () => {
  const directory = tempDirectory();
  const writer = await openEngine(directory);
  const reader = await openEngine(directory, { readOnly: true });
  const { worker, answer } = await startThread(directory, true);

  commitTexts(writer, { 1: 'one' });

  expect(answer).toEqual({ ok: true, blocks: 0 });
  expect(blocksForward(reader, 1)).toEqual([[1, 'one']]);
  expect(await ask(worker, 'count')).toEqual({ ok: true, blocks: 1 });
  reader.close();
  await ask(worker, 'close');
  commitTexts(writer, { 2: 'two' });
  expect(blocksForward(writer, 2)).toEqual([[2, 'two']]);
});

test('a reading thread can be terminated while the writer goes on', async () => {
  const directory = tempDirectory();
  const writer = await openEngine(directory);
  const { worker } = await startThread(directory, true);

  commitTexts(writer, { 1: 'one' });
  await worker.terminate();
  commitTexts(writer, { 2: 'two' });

  expect(blocksForward(writer, 1)).toHaveLength(2);
});

test('a writer is refused while a reader of this process is open, and let in after it closed', async () => {
  const directory = tempDirectory();
  (await openEngine(directory)).close();
  const reader = await openEngine(directory, { readOnly: true });

  await expect(openEngine(directory)).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    detail: { holder: 'a reader in this process' },
  });
  reader.close();
  const writer = await openEngine(directory);

  commitTexts(writer, { 1: 'one' });
  expect(isWriterLocked(directory)).toBe(true);
});

test('a writer that is refused because of a reader leaves the lock free', async () => {
  const directory = tempDirectory();
  (await openEngine(directory)).close();
  await openEngine(directory, { readOnly: true });
  await expect(openEngine(directory)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  const child = startEngineProcess();

  await child.get({ do: 'open', options: { directory } });

  expect(isWriterLocked(directory)).toBe(true);
});

test('a network file system is refused, unless that is forced', async () => {
  const directory = tempDirectory();
  const nfs = () => 0x6969;

  await expect(openEngine(directory, { fileSystemType: nfs })).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    detail: { feature: 'network-file-system' },
  });
  const engine = await openEngine(directory, { fileSystemType: nfs, force: ['network-file-system'] });
  await expect(openEngine(directory, { fileSystemType: nfs, readOnly: true })).rejects.toMatchObject({
    code: 'UNSUPPORTED',
  });

  expect(engine.capabilities.engine).toBe('lmdb');
});

test('a reader in another pid namespace than the writer is refused, unless that is forced', async () => {
  const directory = tempDirectory();
  const writer = await openEngine(directory);
  const path = join(directory, 'writer.json');
  const description = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...description, pidNamespace: 'pid:[1]' }));

  const refused = openEngine(directory, { readOnly: true });
  await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED', detail: { feature: 'pid-namespace' } });
  const forced = await openEngine(directory, { readOnly: true, force: ['pid-namespace'] });
  forced.close();
  writer.close();
  writeFileSync(path, JSON.stringify({ ...description, pidNamespace: 'pid:[1]' }));
  const afterwards = await openEngine(directory, { readOnly: true });

  expect(afterwards.capabilities.readOnly).toBe(true);
});

test('commits and opens do not meet: no commit is lost however many readers open', async () => {
  const directory = tempDirectory();
  const writer = await openEngine(directory, { durability: 'os' });
  const child = startEngineProcess();
  const opens = 25;
  let opened = 0;
  const opening = (async () => {
    while (opened < opens) {
      await child.get({ do: 'open', options: { directory, readOnly: true } });
      await child.get({ do: 'close' });
      opened += 1;
    }
  })();
  let position = 0;

  await vi.waitUntil(
    () => {
      for (let count = 0; count < 100; count += 1) {
        position += 1;
        commitTexts(writer, { [position]: 'x' });
      }
      return opened === opens;
    },
    { timeout: 25_000, interval: 0 },
  );
  await opening;

  expect(blocksForward(writer, 1)).toHaveLength(position);
});
