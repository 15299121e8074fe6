/** Rows that ride along: with an append, or alone. */
import { expect, test } from 'vitest';
import { sealRow, textKey } from '#kernel/codec/row';
import { encodeRequest, type RequestOptions } from '#kernel/log/append-request';
import { LogWriter } from '#kernel/log/log-writer';
import type { RowWrite } from '#kernel/storage/engine';
import { engineKinds, tempStore } from '../kit/temp-store.ts';

const options = { clock: () => 1000, idempotencyTtlMs: 1000 };

function row(name: string, value: string | undefined): RowWrite {
  const key = textKey(name);
  return { table: 'timers', key, value: value === undefined ? undefined : sealRow(key, Buffer.from(value)) };
}

function append(rows: readonly RowWrite[], given: RequestOptions = {}, data = 1) {
  return { ...encodeRequest([{ stream: 'a', events: { type: 'x', data } }], given, 0), rows };
}

test.each(engineKinds)(
  'rows are written with their append, and alone, in the order of the commands (%s)',
  async (kind) => {
    const store = tempStore(kind);
    const engine = await store.openEngine();
    const writer = new LogWriter(engine, options);

    writer.commit([
      { kind: 'write-rows', rows: [row('one', 'first'), row('two', 'first')] },
      append([row('one', undefined), row('three', 'third')]),
    ]);

    const keys: string[] = [];
    engine.read((snapshot) => snapshot.walkRows('timers', {}, (key) => void keys.push(Buffer.from(key).toString())));
    expect(keys).toEqual(['three', 'two']);
    expect(writer.head).toBe(1);
  },
);

test('the rows of a refused append, and of a duplicate, are not written', async () => {
  const engine = await tempStore('memory').openEngine();
  const writer = new LogWriter(engine, options);
  const refused = encodeRequest([{ stream: 'a', events: { type: 'x' }, expectedVersion: 7 }], {}, 0);
  writer.commit([append([], { idempotencyKey: 'k' })]);

  writer.commit([{ ...refused, rows: [row('one', '1')] }, append([row('two', '2')], { idempotencyKey: 'k' })]);

  expect(
    engine.read((snapshot) => [snapshot.row('timers', textKey('one')), snapshot.row('timers', textKey('two'))]),
  ).toEqual([undefined, undefined]);
});

test('where the first request of a key wins, a later one with other content is a duplicate of it', async () => {
  const writer = new LogWriter(await tempStore('memory').openEngine(), options);
  const given = { idempotencyKey: 'k', isFirstWins: true };
  writer.commit([append([], given, 1)]);

  expect(writer.commit([append([], given, 2)])).toMatchObject([{ results: [{ firstPosition: 1, duplicate: true }] }]);
  expect(writer.commit([append([], { idempotencyKey: 'k' }, 2)])).toMatchObject([
    { error: { code: 'IDEMPOTENCY_KEY_REUSED' } },
  ]);
});
