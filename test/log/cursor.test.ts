/** Cursors, moved by the writer beside its appends. */
import { expect, test } from 'vitest';
import { encodeCursorRow, textKey } from '#kernel/codec/row';
import { encodeRequest } from '#kernel/log/append-request';
import { type CursorMove, type CursorPlace, readCursor } from '#kernel/log/cursor';
import { LogWriter, type Outcome, type WriterCommand } from '#kernel/log/log-writer';
import { metaNumberRow } from '#kernel/log/store-meta';
import { verifyStore } from '#kernel/log/verify';
import { engineKinds, tempStore } from '../kit/temp-store.ts';

const options = { clock: () => 1000, idempotencyTtlMs: 1000 };
const place = (position: number, generation = 1): CursorPlace => ({ position, generation });

function move(expected: CursorPlace | undefined, to: CursorPlace, name = 'totals'): CursorMove {
  return { kind: 'move-cursor', name, expected, to, rows: [] };
}

function append(count: number): WriterCommand {
  return encodeRequest([{ stream: 'a', events: Array.from({ length: count }, () => ({ type: 'x' })) }], {}, 0);
}

async function writerOn(kind: 'memory' | 'lmdb' = 'memory') {
  const store = tempStore(kind);
  const engine = await store.openEngine();
  const writer = new LogWriter(engine, options);
  const cursor = (name = 'totals') =>
    engine.read((snapshot) => readCursor(snapshot, name, writer.identity.incarnation));
  const commit = (...commands: WriterCommand[]) =>
    writer.commit(commands).map((outcome: Outcome) => ('error' in outcome ? outcome.error : 'done'));
  return { store, engine, writer, cursor, commit };
}

test.each(engineKinds)('a cursor is where the last move has put it, also after a reopen (%s)', async (kind) => {
  const { store, engine, commit, cursor } = await writerOn(kind);
  expect(cursor()).toBeUndefined();

  expect(commit(append(9), move(undefined, place(0)))).toEqual(['done', 'done']);
  expect(commit(move(place(0), place(5)))).toEqual(['done']);
  engine.close();

  const again = await store.openEngine();
  const { identity } = new LogWriter(again, options);
  expect(again.read((snapshot) => readCursor(snapshot, 'totals', identity.incarnation))).toEqual(place(5));
});

test('a move from a place where the cursor is not is refused, and writes nothing', async () => {
  const { commit, cursor } = await writerOn();
  commit(append(9), move(undefined, place(3)));

  const outcomes = commit(
    move(undefined, place(4)),
    move(place(2), place(4)),
    move(place(3, 2), place(4, 2)),
    move(undefined, place(1), 'another'),
  );

  const refused = { code: 'CURSOR_MOVED', detail: { name: 'totals', actual: place(3) } };
  expect(outcomes).toMatchObject([refused, refused, refused, 'done']);
  expect(cursor()).toEqual(place(3));
  expect(cursor('another')).toEqual(place(1));
});

test('moves of one group see each other, and may follow events of that group', async () => {
  const { commit, cursor } = await writerOn();

  const outcomes = commit(
    append(2),
    move(undefined, place(2)),
    append(3),
    move(place(2), place(5)),
    move(place(2), place(4)),
  );

  expect(outcomes).toMatchObject(['done', 'done', 'done', 'done', { code: 'CURSOR_MOVED' }]);
  expect(cursor()).toEqual(place(5));
});

test('a cursor neither runs ahead of the log nor goes back in its generation; a new one may', async () => {
  const { commit, cursor } = await writerOn();
  commit(append(5), move(undefined, place(5)));

  expect(commit(move(place(5), place(6)))).toMatchObject([{ code: 'INTERNAL_BUG' }]);
  expect(commit(move(place(5), place(4)))).toMatchObject([{ code: 'INTERNAL_BUG' }]);
  expect(commit(move(place(5), place(0, 2)))).toEqual(['done']);
  expect(cursor()).toEqual(place(0, 2));
});

test('what a move brings along is written with it or not at all', async () => {
  const { commit, engine } = await writerOn();
  const row = metaNumberRow('createdMs', 7);
  const stored = () =>
    engine.read((snapshot) => Buffer.from(snapshot.row('meta', textKey('createdMs')) ?? []).toString('hex'));
  const before = stored();

  commit(append(1), { ...move(place(9), place(1)), rows: [row] });
  expect(stored()).toBe(before);
  commit({ ...move(undefined, place(1)), rows: [row] });

  expect(stored()).toBe(Buffer.from(row.value).toString('hex'));
});

test('verify finds a damaged cursor', async () => {
  const { commit, store, engine, writer } = await writerOn();
  commit(append(1), move(undefined, place(1)), move(undefined, place(1), 'other'));
  writer.flushIndex();
  expect(await verifyStore(engine, {})).toMatchObject({ ok: true });
  const [row] = store.storage.rows.consumer_cursors;

  if (row !== undefined) row.value[0] = 0xff;

  expect(await verifyStore(engine, {})).toMatchObject({ ok: false, problems: [{ table: 'consumer_cursors' }] });
});

test('verify finds a cursor that is ahead of the log', async () => {
  const { commit, engine, writer } = await writerOn();
  commit(append(1));
  const key = textKey('totals');
  const value = encodeCursorRow(key, { ...place(2), incarnation: writer.identity.incarnation, updatedMs: 0 });
  engine.commit({ blocks: [], rows: [{ table: 'consumer_cursors', key, value }] });

  const { problems } = await verifyStore(engine, {});

  expect(problems).toMatchObject([{ table: 'consumer_cursors', message: expect.stringContaining('ahead of the log') }]);
});

test('a cursor of another incarnation of the store is not used', async () => {
  const { engine, cursor } = await writerOn();
  const key = textKey('totals');
  const value = encodeCursorRow(key, { ...place(0), incarnation: new Uint8Array(16), updatedMs: 0 });
  engine.commit({ blocks: [], rows: [{ table: 'consumer_cursors', key, value }] });

  expect(() => cursor()).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));
});
