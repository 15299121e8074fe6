import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { expect, test } from 'vitest';
import { isBusError } from '#kernel/errors';
import type { RowWrite } from '#kernel/storage/engine';
import { preflight } from '#kernel/storage/preflight';
import { blocksForward, bytesOf, commitTexts } from '../kit/engine-contract.ts';
import { type EngineProcess, startEngineProcess } from './kit/engine-process.ts';
import { openEngine } from './kit/open.ts';
import { tempDirectory } from './kit/temp-directory.ts';

const pageBytes = 4096;

function row(number: number, bytes: number): RowWrite {
  const key = bytesOf(`row-${String(number).padStart(6, '0')}`);
  return { table: 'streams', key, value: new Uint8Array(bytes).fill(number) };
}

/** The bytes of a store with blocks, rows, large values and free pages, that was closed. */
async function healthyBytes(): Promise<Buffer> {
  const directory = tempDirectory();
  const engine = await openEngine(directory, { durability: 'os' });
  for (let position = 1; position <= 40; position += 1) commitTexts(engine, { [position]: 'x'.repeat(50 * position) });
  engine.commit({ blocks: [], rows: Array.from({ length: 200 }, (_, number) => row(number, 60)) });
  engine.commit({ blocks: [], rows: Array.from({ length: 80 }, (_, number) => row(2 * number, 70)) });
  engine.commit({
    blocks: [],
    rows: [{ table: 'meta', key: bytesOf('large'), value: new Uint8Array(30_000).fill(7) }],
  });
  engine.close();
  return readFileSync(join(directory, 'log.mdb'));
}

/** Number of the newest transaction and of the last page, from the meta pages. */
function newest(bytes: Buffer): { at: number; lastPage: number } {
  const at = bytes.readBigUInt64LE(152) > bytes.readBigUInt64LE(pageBytes + 152) ? 0 : pageBytes;
  return { at, lastPage: Number(bytes.readBigUInt64LE(at + 144)) };
}

/** A directory whose data file has these bytes. */
function directoryWith(bytes: Uint8Array): string {
  const directory = tempDirectory();
  writeFileSync(join(directory, 'log.mdb'), bytes);
  return directory;
}

/** How an open in another process ends, read-only and for writing: it never takes the process with it. */
async function openEverywhere(child: EngineProcess, directory: string): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const readOnly of [true, false]) {
    const answer = await child.ask({ do: 'open', options: { directory, readOnly } });
    answers.push('ok' in answer && !answer.ok ? answer.code : answer);
    if ('ok' in answer && answer.ok) await child.get({ do: 'close' });
  }
  return answers;
}

test('a file that was cut short is damaged, at whatever length', async () => {
  const bytes = await healthyBytes();
  const child = startEngineProcess();
  const last = (newest(bytes).lastPage + 1) * pageBytes;
  const lengths = [0, 1, 100, 4095, 4096, 4097, 8191, 8192, 8193, last / 2, last - pageBytes, last - 1];

  for (const length of lengths) {
    const answers = await openEverywhere(child, directoryWith(bytes.subarray(0, length)));

    expect([length, ...answers]).toEqual([length, 'STORE_CORRUPT', 'STORE_CORRUPT']);
  }
});

test('a file that is longer than it needs to be is fine', async () => {
  const bytes = await healthyBytes();
  const engine = await openEngine(directoryWith(Buffer.concat([bytes, Buffer.alloc(3 * pageBytes, 255)])));

  expect(blocksForward(engine, 1)).toHaveLength(40);
});

test('a file whose last pages were never written, because they are free, is fine', async () => {
  const directory = tempDirectory();
  const engine = await openEngine(directory);
  const rows = Array.from({ length: 3000 }, (_, number) => row(number, 100));
  engine.commit({ blocks: [], rows: [...rows, ...rows.map((write) => ({ ...write, value: undefined }))] });
  const bytes = readFileSync(join(directory, 'log.mdb'));
  engine.close();

  const again = await openEngine(directory);

  expect(bytes.length).toBeLessThan((newest(bytes).lastPage + 1) * pageBytes);
  commitTexts(again, { 1: 'one' });
  expect(blocksForward(again, 1)).toEqual([[1, 'one']]);
});

test('a file of zeros is damaged', async () => {
  const child = startEngineProcess();

  expect(await openEverywhere(child, directoryWith(Buffer.alloc(65536)))).toEqual(['STORE_CORRUPT', 'STORE_CORRUPT']);
});

test('a file of random bytes, or text, is not a store', async () => {
  const child = startEngineProcess();
  const random = Buffer.from(Array.from({ length: 65536 }, (_, at) => (Math.imul(at + 1, 2654435761) >>> 13) & 255));
  const text = Buffer.from('not a database\n'.repeat(5000));

  expect(await openEverywhere(child, directoryWith(random))).toEqual(['STORE_FORMAT', 'STORE_FORMAT']);
  expect(await openEverywhere(child, directoryWith(text))).toEqual(['STORE_FORMAT', 'STORE_FORMAT']);
});

test('a directory in the place of the file is not a store', async () => {
  const child = startEngineProcess();
  const directory = tempDirectory();
  mkdirSync(join(directory, 'log.mdb'));

  expect(await openEverywhere(child, directory)).toEqual(['STORE_FORMAT', 'STORE_FORMAT']);
});

test.each([
  ['with tables of its own', {}, true],
  ['with nothing in it', {}, false],
  ['with larger pages', { pageSize: 8192 }, true],
])('another LMDB file, %s, is not a store', async (_, options, filled) => {
  const directory = tempDirectory();
  const root = open({ path: join(directory, 'log.mdb'), overlappingSync: false, ...options });
  if (filled) root.openDB({ name: 'other' }).putSync('key', 'value');
  await root.close();
  const child = startEngineProcess();

  expect(await openEverywhere(child, directory)).toEqual(['STORE_FORMAT', 'STORE_FORMAT']);
});

test('a file of the LMDB that others use is not a store', async () => {
  const child = startEngineProcess();
  const bytes = Buffer.alloc(4 * pageBytes);
  // LMDB 0.9: a page header of 16 bytes, then the same magic number, version 1.
  for (const at of [0, pageBytes]) {
    bytes.writeUInt32LE(0xbeefc0de, at + 16);
    bytes.writeUInt32LE(1, at + 20);
  }

  expect(await openEverywhere(child, directoryWith(bytes))).toEqual(['STORE_FORMAT', 'STORE_FORMAT']);
});

test('a meta page that is zeroed, overwritten, or of another time is damage', async () => {
  const child = startEngineProcess();
  const healthy = await healthyBytes();
  const { at } = newest(healthy);
  const damages: ((bytes: Buffer) => void)[] = [
    (bytes) => bytes.fill(0, 0, pageBytes),
    (bytes) => bytes.fill(0, pageBytes, 2 * pageBytes),
    (bytes) => bytes.fill(0, at + 24, at + 168),
    (bytes) => bytes.fill(255, at + 24, at + 168),
    (bytes) => bytes.copy(bytes, at, pageBytes - at, pageBytes - at + pageBytes),
    (bytes) => bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at + 152) + 2n, at + 152),
    (bytes) => bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at + 144) / 2n, at + 144),
  ];

  for (const [number, damage] of damages.entries()) {
    const bytes = Buffer.from(healthy);
    damage(bytes);

    expect([number, ...(await openEverywhere(child, directoryWith(bytes)))]).toEqual([
      number,
      'STORE_CORRUPT',
      'STORE_CORRUPT',
    ]);
  }
});

test('one wrong byte in a meta page is refused, or changes nothing', async () => {
  const child = startEngineProcess();
  const healthy = await healthyBytes();
  const whole = directoryWith(healthy);
  await child.get({ do: 'open', options: { directory: whole, readOnly: true } });
  const expected = await child.get({ do: 'digest' });
  await child.get({ do: 'close' });
  const directory = directoryWith(healthy);
  const path = join(directory, 'log.mdb');
  const passed = new Set<number>();

  for (const start of [0, pageBytes]) {
    for (let at = start; at < start + 168; at += 1) {
      for (const mask of start === newest(healthy).at ? [0x01, 0xff] : [0xff]) {
        const bytes = Buffer.from(healthy);
        bytes[at] = (bytes[at] as number) ^ mask;
        writeFileSync(path, bytes);
        if (!passes(path)) continue;
        if (start === newest(healthy).at) passed.add(at - start);
        await child.get({ do: 'open', options: { directory, readOnly: true } });
        expect([at, mask, await child.get({ do: 'digest' })]).toEqual([at, mask, expected]);
        await child.get({ do: 'close' });
      }
    }
  }

  const unused = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23];
  const mapSize = [41, 42, 43, 44, 45, 46, 47];
  const lastPage = [144, 145, 146, 147];
  const bootId = [160, 161, 162, 163, 164, 165, 166, 167];
  expect([...unused, ...mapSize, ...lastPage, ...bootId]).toEqual(expect.arrayContaining([...passed]));
});

test('one wrong byte anywhere in the file is refused with a type, or opens', async () => {
  const healthy = await healthyBytes();
  const path = join(directoryWith(healthy), 'log.mdb');
  let refused = 0;

  for (let at = 2 * pageBytes; at < healthy.length; at += 397) {
    const bytes = Buffer.from(healthy);
    bytes[at] = (bytes[at] as number) ^ 0xff;
    writeFileSync(path, bytes);
    if (!passes(path)) refused += 1;
  }

  expect(refused).toBeGreaterThan(10);
});

test('a root page that is zeroed, or that is another page, is damage', async () => {
  const child = startEngineProcess();
  const healthy = await healthyBytes();
  const main = Number(healthy.readBigUInt64LE(newest(healthy).at + 136));

  for (const damage of [
    (bytes: Buffer) => bytes.fill(0, main * pageBytes, (main + 1) * pageBytes),
    (bytes: Buffer) => bytes.copy(bytes, main * pageBytes, 5 * pageBytes, 6 * pageBytes),
  ]) {
    const bytes = Buffer.from(healthy);
    damage(bytes);

    expect(await openEverywhere(child, directoryWith(bytes))).toEqual(['STORE_CORRUPT', 'STORE_CORRUPT']);
  }
});

test('a wrong page number that the preflight does not look at is a typed error when it is read', async () => {
  const directory = tempDirectory();
  const engine = await openEngine(directory, { durability: 'os' });
  const rows = Array.from({ length: 16_000 }, (_, number) => row(number, 100));
  for (let from = 0; from < rows.length; from += 2000)
    engine.commit({ blocks: [], rows: rows.slice(from, from + 2000) });
  engine.close();
  const path = join(directory, 'log.mdb');
  const bytes = readFileSync(path);
  const hidden = branchNodes(bytes).filter((offset) => {
    const number = bytes.readUInt32LE(offset);
    bytes.writeUInt32LE(0x7fffffff, offset);
    writeFileSync(path, bytes);
    if (passes(path)) return true;
    bytes.writeUInt32LE(number, offset);
    return false;
  });
  writeFileSync(path, bytes);
  const child = startEngineProcess();

  await child.get({ do: 'open', options: { directory, readOnly: true } });
  const answer = await child.ask({ do: 'digest' });

  expect(hidden.length).toBeGreaterThan(0);
  expect(answer).toMatchObject({ ok: false, code: 'STORE_CORRUPT', detail: { table: 'streams' } });
  expect(await child.get({ do: 'last' })).toBe(0);
});

function passes(path: string): boolean {
  try {
    preflight(path);
    return true;
  } catch (error) {
    if (isBusError(error, 'STORE_CORRUPT') || isBusError(error, 'STORE_FORMAT')) return false;
    throw error;
  }
}

/** Where each branch page names its middle child; 1 is the flag of a branch page (mdb.c, P_BRANCH). */
function branchNodes(bytes: Buffer): number[] {
  const offsets: number[] = [];
  for (let page = 2 * pageBytes; page < bytes.length; page += pageBytes) {
    const nodes = bytes.readUInt16LE(page + 20) / 2;
    if (bytes.readUInt16LE(page + 18) !== 1 || nodes < 4) continue;
    offsets.push(page + 24 + bytes.readUInt16LE(page + 24 + 2 * Math.floor(nodes / 2)));
  }
  return offsets;
}
