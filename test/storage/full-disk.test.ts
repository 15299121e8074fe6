import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { blocksForward, commitTexts } from '../kit/engine-contract.ts';
import { type EngineProcess, startEngineProcess } from './kit/engine-process.ts';
import { openEngine } from './kit/open.ts';
import { tempDirectory } from './kit/temp-directory.ts';

/** Commits blocks of `bytes` from position `from` on until one is refused; gives the refusal and the last position. */
async function fill(child: EngineProcess, from: number, bytes: number): Promise<{ refusal: unknown; last: number }> {
  for (let position = from; position < from + 10_000; position += 1) {
    const answer = await child.ask({ do: 'commit', from: position, bytes });
    if (!('ok' in answer) || !answer.ok) return { refusal: answer, last: position - 1 };
  }
  throw new Error('the disk is never full');
}

// A limit of the file's size stands in for a full disk: LMDB sees the same short write, and then the same EIO.
test.each(['sync', 'os'] as const)(
  'a commit that finds no space is refused, and smaller ones go on (%s)',
  async (durability) => {
    const directory = tempDirectory();
    const child = startEngineProcess({ fileBlocksMax: 600 });
    await child.get({ do: 'open', options: { directory, durability } });

    const large = await fill(child, 1, 100_000);
    const id = await child.get({ do: 'transaction-id' });
    const small = await fill(child, large.last + 1, 1000);
    const again = await child.ask({ do: 'commit', from: small.last + 1, bytes: 100_000 });

    expect(large.refusal).toMatchObject({ ok: false, code: 'STORE_FULL', detail: { path: directory } });
    expect(large.last).toBeGreaterThan(2);
    expect(small.refusal).toMatchObject({ code: 'STORE_FULL' });
    expect(small.last).toBeGreaterThan(large.last);
    expect(await child.get({ do: 'transaction-id' })).toBe((id as number) + small.last - large.last);
    expect(again).toMatchObject({ code: 'STORE_FULL' });
    expect(await child.get({ do: 'last' })).toBe(small.last);
    expect(readdirSync(directory)).not.toContain('space-probe');
    await child.get({ do: 'close' });
    const engine = await openEngine(directory);
    expect(blocksForward(engine, 1)).toHaveLength(small.last);
    commitTexts(engine, { [small.last + 1]: 'with room again' });
    expect(blocksForward(engine, small.last + 1)).toHaveLength(1);
  },
);

test('a store that finds no space to be made is refused, and made later', async () => {
  const directory = tempDirectory();
  const child = startEngineProcess({ fileBlocksMax: 16 });

  const refused = await child.ask({ do: 'open', options: { directory } });
  const engine = await openEngine(directory);

  expect(refused).toMatchObject({ ok: false, code: 'STORE_FULL' });
  expect(blocksForward(engine, 1)).toEqual([]);
});

test('a writer with little address space is refused before LMDB maps anything', async () => {
  const directory = tempDirectory();
  const child = startEngineProcess({ addressKilobytesMax: 64 * 2 ** 20 });

  const refused = await child.ask({ do: 'open', options: { directory } });

  expect(refused).toMatchObject({ ok: false, code: 'UNSUPPORTED', detail: { feature: 'address-space' } });
});
