import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OpeningGate } from '#kernel/storage/opening-gate';
import { blocksForward, commitTexts } from '../kit/engine-contract.ts';
import { startEngineProcess } from './kit/engine-process.ts';
import { openEngine } from './kit/open.ts';
import { tempDirectory } from './kit/temp-directory.ts';

test('a commit waits for an opener, and one that never comes out holds up only the first', async () => {
  const directory = tempDirectory();
  const gate = new OpeningGate(directory);
  const opener = new OpeningGate(directory);
  const waits: number[] = [];

  await opener.whileOpening(directory, undefined, () => {
    for (let count = 0; count < 3; count += 1) {
      const startedAt = performance.now();
      gate.whileCommitting(() => waits.push(performance.now() - startedAt));
    }
  });

  expect(waits).toHaveLength(3);
  expect(waits[0]).toBeGreaterThan(1000);
  expect(Math.max(...waits.slice(1))).toBeLessThan(1000);
  gate.close();
  opener.close();
});

test('an opener waits until a commit is over, or its signal ends the wait', async () => {
  const directory = tempDirectory();
  const gate = new OpeningGate(directory);
  const opener = new OpeningGate(directory);
  const controller = new AbortController();
  const events: string[] = [];

  let opening: Promise<unknown> | undefined;
  let aborted: Promise<unknown> | undefined;
  gate.whileCommitting(() => {
    opening = opener.whileOpening(directory, undefined, () => events.push('opened'));
    aborted = new OpeningGate(directory).whileOpening(directory, controller.signal, () => events.push('never'));
    aborted.catch(() => {});
    controller.abort(new Error('enough'));
    events.push('committed');
  });
  await opening;

  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  expect(events).toEqual(['committed', 'opened']);
});

test('what fails inside the gate leaves it open', async () => {
  const directory = tempDirectory();
  const gate = new OpeningGate(directory);
  const failure = new Error('inside');
  const fail = () => {
    throw failure;
  };

  expect(() => gate.whileCommitting(fail)).toThrow(failure);
  await expect(gate.whileOpening(directory, undefined, fail)).rejects.toBe(failure);

  expect(await gate.whileOpening(directory, undefined, () => 'open')).toBe('open');
});

test('a commit that would build on an old transaction is refused, and nothing that was committed is lost', async () => {
  const directory = tempDirectory();
  const child = startEngineProcess();
  await child.get({ do: 'open', options: { directory } });
  await child.get({ do: 'commit', from: 1, bytes: 100, times: 5 });
  const id = (await child.get({ do: 'transaction-id' })) as number;

  // What an opener does that knows nothing of the gate: it stores the number that it read a moment ago.
  const lockFile = openSync(join(directory, 'log.mdb-lock'), 'r+');
  const old = Buffer.alloc(8);
  old.writeBigUInt64LE(BigInt(id - 1));
  writeSync(lockFile, old, 0, 8, 8);
  closeSync(lockFile);
  const refused = await child.ask({ do: 'commit', from: 6, bytes: 100 });
  const again = await child.ask({ do: 'commit', from: 6, bytes: 100 });

  expect(refused).toMatchObject({ ok: false, code: 'STORE_FAILED', detail: { path: directory } });
  expect(again).toMatchObject({ ok: false, code: 'STORE_FAILED' });
  await child.get({ do: 'close' });
  const engine = await openEngine(directory);
  expect(blocksForward(engine, 1)).toHaveLength(5);
  commitTexts(engine, { 6: 'six' });
  expect(blocksForward(engine, 6)).toEqual([[6, 'six']]);
});
