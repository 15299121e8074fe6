import { expect, test } from 'vitest';
import { encodeRequest } from '#kernel/log/append-request';
import { LogReader } from '#kernel/log/log-reader';
import { LogWriter, type Outcome } from '#kernel/log/log-writer';
import { TailFollower } from '#kernel/log/tail';
import type { Engine } from '#kernel/storage/engine';
import type { AppendOptions } from '#store';
import { engineKinds, tempStore } from '../kit/temp-store.ts';

const options = { clock: () => 1000, idempotencyTtlMs: 1000 };

/** Appends one event and returns its version, or the error. */
function append(writer: LogWriter, stream: string, given: AppendOptions = {}): unknown {
  const { expectedVersion } = given;
  const request = encodeRequest([{ stream, events: { type: 'placed' }, expectedVersion }], given, 0);
  const outcome = writer.commit([request])[0] as Outcome;
  return 'error' in outcome ? outcome.error : outcome.results[0]?.lastVersion;
}

const indexTables = ['streams', 'stream_index', 'idempotency'] as const;

test('a writer goes on where the index that it has written ends', async () => {
  const writer = new LogWriter(await tempStore().openEngine(), options);
  const versions: unknown[] = [];

  for (let round = 0; round < 3; round++) {
    versions.push(append(writer, 'a'), append(writer, 'a'));
    writer.flushIndex();
  }

  expect(versions).toEqual([1, 2, 3, 4, 5, 6]);
});

test('writing the index once more changes nothing', async () => {
  const store = tempStore();
  const writer = new LogWriter(await store.openEngine(), options);
  append(writer, 'a', { idempotencyKey: 'k' });
  writer.flushIndex();
  const before = structuredClone(store.storage.rows);

  writer.flushIndex();

  expect(store.storage.rows).toEqual(before);
});

test('an index that is built anew has the rows of the one before', async () => {
  const store = tempStore();
  const engine = await store.openEngine();
  const writer = new LogWriter(engine, options);
  for (let round = 0; round < 300; round++) append(writer, `s-${round % 3}`, { idempotencyKey: `k-${round}` });
  writer.flushIndex();
  const before = structuredClone(store.storage.rows);

  const rebuilt = new LogWriter(engine, { ...options, rebuildIndex: true });
  rebuilt.flushIndex();

  for (const table of indexTables) expect(store.storage.rows[table]).toEqual(before[table]);
  expect(append(rebuilt, 's-0', { expectedVersion: 100 })).toBe(101);
});

test('a rebuild that is interrupted after any of its commits is finished by the next open', async () => {
  for (let survived = 1; survived < 7; survived++) {
    const store = tempStore();
    const engine = await store.openEngine();
    const writer = new LogWriter(engine, options);
    for (let round = 0; round < 30; round++) append(writer, `s-${round % 3}`, { idempotencyKey: `k-${round}` });
    writer.flushIndex();
    const before = structuredClone(store.storage.rows);
    failAfter(engine, survived);

    expect(() => {
      new LogWriter(engine, { ...options, rebuildIndex: true });
      throw new Error('done');
    }).toThrow(/interrupted|done/);
    engine.close();
    const again = new LogWriter(await store.openEngine(), options);
    again.flushIndex();

    for (const table of indexTables) expect(store.storage.rows[table]).toEqual(before[table]);
  }
});

test.each(engineKinds)('a writer takes over from one that is gone, whose requests it fences off (%s)', async (kind) => {
  const store = tempStore(kind);
  const engine = await store.openEngine();
  const first = new LogWriter(engine, options);
  append(first, 'a');

  const second = new LogWriter(engine, options);

  expect(append(second, 'a')).toBe(2);
  expect(append(first, 'a')).toMatchObject({ code: 'WRITER_FENCED' });
  expect(first.failure).toMatchObject({ code: 'WRITER_FENCED' });
  expect(append(second, 'a')).toBe(3);
});

test('a follower keeps to its snapshot when a commit comes in between, and sees it with the next', async () => {
  const store = tempStore('lmdb');
  const writer = new LogWriter(await store.openEngine({ durability: 'os' }), options);
  const engine = await store.openEngine({ readOnly: true });
  const follower = new TailFollower();
  append(writer, 'a');

  const during = engine.read((snapshot) => {
    append(writer, 'a');
    return follower.at(snapshot).head;
  });

  expect(during).toBe(1);
  expect(engine.read((snapshot) => follower.at(snapshot).head)).toBe(2);
});

test('a follower stays right while the index is written and built anew between its looks', async () => {
  const store = tempStore();
  const written = await store.openEngine();
  let writer = new LogWriter(written, options);
  const engine = await store.openEngine({ readOnly: true });
  const reader = new LogReader(engine, new TailFollower());
  const steps = [
    () => append(writer, 'a'),
    () => writer.flushIndex(),
    () => append(writer, 'b'),
    () => [writer.flushIndex(), append(writer, 'a')],
    () => {
      writer = new LogWriter(written, { ...options, rebuildIndex: true });
    },
    () => [append(writer, 'a'), writer.flushIndex(), append(writer, 'b'), append(writer, 'a')],
  ];

  for (const step of steps) {
    step();

    const versions = { a: versionsOf(reader, 'a'), b: versionsOf(reader, 'b') };
    expect(reader.head()).toBe(writer.head);
    expect(versions.a.length + versions.b.length).toBe(writer.head);
    for (const seen of [versions.a, versions.b]) expect(seen).toEqual(seen.map((_, index) => index + 1));
  }
});

function versionsOf(reader: LogReader, stream: string): number[] {
  const version = reader.streamHead(stream)?.version ?? 0;
  return reader.stream(stream, 1, version, 'forward', 1000).map((event) => event.version);
}

/** Lets the engine fail after so many more commits, as if the process had ended there. */
function failAfter(engine: Engine, commits: number): void {
  const commit = engine.commit.bind(engine);
  let left = commits;
  engine.commit = (writes) => {
    if (left-- === 0) throw new Error('interrupted');
    commit(writes);
  };
}
