import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { open } from 'lmdb';
import { unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';
import { openBus, type StoredEvent } from '#store';
import { tempDirectory } from '../kit/temp-store.ts';
import { goldenAppends } from './content.ts';

/** Of the file in the repository: it is never made anew. */
const goldenSha256 = 'dc32662118d781f99969924981569d25b88cd35637a1d292a4d6275562c487da';

function goldenDirectory(): string {
  const directory = tempDirectory();
  const file = gunzipSync(readFileSync(new URL('./format-1/log.mdb.gz', import.meta.url)));
  expect(createHash('sha256').update(file).digest('hex')).toBe(goldenSha256);
  writeFileSync(join(directory, 'log.mdb'), file);
  return directory;
}

function expectedEvents(): object[] {
  const versions = new Map<string, number>();
  const parts = goldenAppends.flat().flatMap((append) => append.parts);
  return parts
    .flatMap(({ stream, events }) => [events].flat().map((event) => ({ stream, event })))
    .map(({ stream, event }, index) => {
      const version = (versions.get(stream) ?? 0) + 1;
      versions.set(stream, version);
      const { id, type, data, metadata } = event;
      const timeMs = Date.UTC(2026, 0, 1);
      return { id, stream, version, position: index + 1, type, data, metadata, timeMs };
    });
}

describe('the golden store of format 1', () => {
  test('is read in full, verified, and taken on', async () => {
    const bus = await openBus({ path: goldenDirectory(), clock: () => Date.UTC(2026, 0, 2) });
    const events: StoredEvent[] = [];
    for await (const event of bus.read()) events.push(event);

    expect(events.map((event) => ({ ...event }))).toEqual(expectedEvents());
    expect(await bus.verify()).toMatchObject({ ok: true, events: events.length, idempotencyKeys: 2, problems: [] });
    const [golden] = goldenAppends[0]?.slice(1) ?? [];
    const again = await bus.appendMany(golden?.parts ?? [], { idempotencyKey: 'first key' });
    expect(again.map(({ duplicate, firstPosition }) => ({ duplicate, firstPosition }))).toEqual([
      { duplicate: true, firstPosition: 2 },
      { duplicate: true, firstPosition: 3 },
    ]);
    expect(await bus.append('plain', { type: 'New' })).toMatchObject({
      firstVersion: 3,
      firstPosition: events.length + 1,
    });

    await bus.close();
  });

  test('is read by a reader before a writer has made the tables that came later', async () => {
    const engine = await openLmdbEngine({
      directory: goldenDirectory(),
      readOnly: true,
      durability: 'sync',
      lockWaitMs: 0,
      force: [],
      initialRows: [],
    });
    const keys: Uint8Array[] = [];

    engine.read((snapshot) => snapshot.walkRows('projections', {}, (key) => void keys.push(key)));

    expect(keys).toEqual([]);
    expect(engine.read((snapshot) => snapshot.row('timers', Uint8Array.of(1)))).toBeUndefined();
    engine.close();
  });

  test('is read by a program that knows docs/format.md and nothing of varvebus', () => {
    const environment = open({
      path: join(goldenDirectory(), 'log.mdb'),
      readOnly: true,
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    const table = environment.openDB({ name: 'events_log', encoding: 'binary', keyEncoding: 'binary' });
    const found: object[] = [];
    for (const { key, value } of table.getRange({}))
      found.push(...readBlock(Buffer.from(key as Uint8Array), Buffer.from(value as Uint8Array)));

    const plain = expectedEvents() as { stream: string; version: number; position: number; type: string; id: string }[];
    expect(found).toMatchObject(
      plain.map(({ id, stream, version, position, type }) => ({ id, stream, version, position, type })),
    );
    expect(found[1]).toMatchObject({ data: { a: 1, b: [true, null, 'é漢😀'], c: 1.5 } });

    return environment.close();
  });
});

/** A block as docs/format.md has it. */
function readBlock(key: Buffer, block: Buffer): object[] {
  expect(block.subarray(0, 4).toString()).toBe('vblk');
  expect([block.readUInt16LE(4), block[6], block[7], block.readUInt32LE(8)]).toEqual([1, 0, 0, block.length]);
  const directory = block.readUInt32LE(12);
  const trailer = block.length - 8;
  expect(crc32(block.subarray(directory, trailer), crc32(block.subarray(0, 48)))).toBe(block.readUInt32LE(trailer));
  expect(crc32(block.subarray(0, trailer + 4))).toBe(block.readUInt32LE(trailer + 4));
  const first = block.readUIntLE(32, 6);
  expect(key.readBigUInt64BE()).toBe(BigInt(first));
  const [streamCount, typeCount, eventCount] = [block.readUInt16LE(38), block.readUInt16LE(40), block.readUInt32LE(44)];
  let at = directory + 4 * eventCount;
  const names = Array.from({ length: typeCount + streamCount }, () => {
    const length = block.readUInt16LE(at);
    at += 2 + length;
    return block.toString('utf8', at - length, at);
  });
  return Array.from({ length: eventCount }, (_, ordinal) => {
    const start = block.readUInt32LE(directory + 4 * ordinal);
    const end = ordinal + 1 < eventCount ? block.readUInt32LE(directory + 4 * ordinal + 4) : directory;
    return { position: first + ordinal, ...readRecord(block.subarray(start, end), names.slice(typeCount), names) };
  });
}

function readRecord(record: Buffer, streams: readonly string[], types: readonly string[]): object {
  expect(crc32(record.subarray(4))).toBe(record.readUInt32LE(0));
  const idBytes = record.readUInt16LE(52);
  const hex = record.toString('hex', 28, 44);
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  const dataAt = 56 + (record[7] as number) + idBytes;
  const dataEnd = dataAt + record.readUInt32LE(44);
  expect(dataEnd + record.readUInt32LE(48)).toBe(record.length);
  return {
    id: record[4] === 1 ? record.toString('utf8', 56, 56 + idBytes) : uuid,
    stream: streams[record.readUInt16LE(8)],
    type: types[record.readUInt16LE(10)],
    version: record.readUIntLE(16, 6),
    timeMs: record.readUIntLE(22, 6),
    data: record[5] === 0 ? undefined : unpack(record.subarray(dataAt, dataEnd)),
  };
}
