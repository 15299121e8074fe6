/** What is wrong with dead letters and parked events, planted in a store: verify names each. */
import { expect, test } from 'vitest';
import { encodeLetterRow, type LetterRow, letterKey, parkedKey, parkedRow } from '#kernel/codec/letter-row';
import { openRow, sealRow, textKey } from '#kernel/codec/row';
import type { RowWrite } from '#kernel/storage/engine';
import { type TempStore, tempStore } from '../kit/temp-store.ts';

const letter: LetterRow = {
  stream: 'a',
  version: 1,
  type: 'x',
  state: 'dead',
  isParked: true,
  generation: 1,
  attempts: 1,
  firstMs: 0,
  lastMs: 0,
  error: { name: 'Error', message: 'broken' },
};

function letterAt(position: number): RowWrite {
  const key = letterKey('p', position);
  return { table: 'dead_letters', key, value: encodeLetterRow(key, letter) };
}

function parkedAt(position: number): RowWrite {
  const key = parkedKey('p', 'a', position);
  return { table: 'parked', key, value: parkedRow(key) };
}

async function storeWith(...rows: RowWrite[]): Promise<TempStore> {
  const store = tempStore();
  // Rows that are plain, as those of a test are, belong into a plain store.
  const bus = await store.openBus({ encryption: undefined });
  await bus.append('a', [{ type: 'x' }, { type: 'x' }]);
  await bus.close();
  const engine = await store.openEngine({ encryption: undefined });
  engine.commit({ blocks: [], rows });
  engine.close();
  return store;
}

async function problemsOf(store: TempStore) {
  const bus = await store.openBus({ readOnly: true, encryption: undefined });
  return (await bus.verify()).problems;
}

test('letters and parked events are fine also without a cursor', async () => {
  expect(await problemsOf(await storeWith(letterAt(1), parkedAt(2)))).toEqual([]);
});

const damaged = (row: RowWrite): RowWrite => ({
  ...row,
  value: Uint8Array.from(row.value as Uint8Array, (byte) => byte ^ 1),
});
const misshapen = textKey('p\0none');
const wrongShape = letterKey('p', 1);

test.each<[string, RowWrite, RegExp]>([
  ['a damaged letter', damaged(letterAt(1)), /^a row of dead_letters is damaged/],
  ['a damaged parked row', damaged(parkedAt(2)), /^a row of parked is damaged/],
  ['a letter beyond the log', letterAt(3), /^"p" gave up an event at 3, which the log does not have$/],
  ['a letter of no event', letterAt(0), /^"p" gave up an event at 0, which/],
  ['a parked event beyond the log', parkedAt(3), /^"p" gave up an event at 3, which/],
  [
    'a letter under a wrong key',
    { table: 'dead_letters', key: misshapen, value: encodeLetterRow(misshapen, letter) },
    /^the key .* is none of this table$/,
  ],
  [
    'a parked row under the key of a letter',
    { table: 'parked', key: letterKey('p', 1), value: parkedRow(letterKey('p', 1)) },
    /^the key .* is none of this table$/,
  ],
  [
    'a letter of another shape',
    {
      table: 'dead_letters',
      key: wrongShape,
      value: sealRow(wrongShape, openRow('parked', parkedKey('p', 'a', 1), parkedRow(parkedKey('p', 'a', 1)))),
    },
    /has a wrong shape/,
  ],
])('verify names %s', async (_, row, message) => {
  const problems = await problemsOf(await storeWith(row));

  expect(problems).toMatchObject([{ table: row.table, message: expect.stringMatching(message) }]);
});
