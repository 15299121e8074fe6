/** Many dead letters, of which few or none are wanted: who looks for them gives everybody else their turns. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeadLetters, type LetterDesk } from '#actors/dead-letters';
import { LetterWalk } from '#actors/letter-walk';
import type { OpenStore } from '#actors/open-store';
import { type LetterState, parkedKey, parkedRow } from '#kernel/codec/letter-row';
import { discardLetters, lettersPage, retryLetters } from '#kernel/dashboard/letter-routes';
import { answerMaxMs } from '#kernel/dashboard/orders';
import { Redaction } from '#kernel/dashboard/redaction';
import type { Source } from '#kernel/dashboard/source';
import type { LettersPage } from '#kernel/dashboard/wire';
import { letterLooksMax } from '#kernel/limits';
import { letterDraft, parkedStreams } from '#kernel/log/letters';
import type { RowDraft } from '#kernel/log/row-draft';
import type { Snapshot } from '#kernel/storage/engine';
import { clockOf } from '../kit/clock.ts';
import { collect } from '../kit/collect.ts';
import { holdTimers } from '../kit/held-timers.ts';
import { RowStore } from '../kit/row-store.ts';

/** More than a few parts of them, and one in so many is wanted. */
const count = 2 * letterLooksMax + 7;
const rareEvery = 500;

let rows: RowStore;
/** Rows looked at, by turn of the event loop. */
let looks: Map<number, number>;
let turn: number;
let next: NodeJS.Immediate;
beforeEach(() => {
  rows = new RowStore();
  looks = new Map();
  turn = 0;
  const pass = () => {
    turn++;
    next = setImmediate(pass);
  };
  next = setImmediate(pass);
});
afterEach(() => clearImmediate(next));

function letter(position: number, { stream = 'a', type = 'T', state = 'dead' as LetterState, isParked = false } = {}) {
  const facts = {
    version: position,
    generation: 1,
    attempts: 1,
    firstMs: 1,
    lastMs: 1,
    error: { name: 'E', message: '' },
  };
  return letterDraft('p', position, { ...facts, stream, type, state, isParked }, 0);
}

function parked(stream: string, position: number): RowDraft {
  const key = parkedKey('p', stream, position);
  return { table: 'parked', key, value: parkedRow(key) };
}

/** What nothing is written to. */
let filled: RowStore | undefined;

function fill(isToBeWritten = false): void {
  if (!isToBeWritten && filled !== undefined) {
    rows = filled;
    return;
  }
  if (!isToBeWritten) filled = rows;
  const all = Array.from({ length: count }, (_, at) => letter(at + 1, { type: at % rareEvery === 0 ? 'rare' : 'T' }));
  rows.write(all);
}

/** Counts what is looked at. */
function counted(snapshot: Snapshot): Snapshot {
  const look = () => looks.set(turn, (looks.get(turn) ?? 0) + 1);
  const { keys } = snapshot;
  const spied: Pick<Snapshot, 'walkRows' | 'row'> = {
    walkRows: (table, range, visit) =>
      snapshot.walkRows(table, range, (key, row) => {
        look();
        return visit(key, row);
      }),
    row: (table, key) => {
      look();
      return snapshot.row(table, key);
    },
  };
  return { ...spied, keys } as Snapshot;
}

function engine(): OpenStore['engine'] {
  return {
    read: (use: (snapshot: Snapshot) => unknown) => rows.read((one) => use(counted(one))),
  } as OpenStore['engine'];
}

function letters(onReplay: () => unknown = () => undefined): DeadLetters {
  const reader = { event: (position: number) => ({ position }) } as unknown as OpenStore['reader'];
  const take = (_: string, run: () => Promise<void>) => run();
  const names = {
    letters: { take },
    moves: { take },
    tellLetters() {},
    onLetters: () => () => {},
    // It has just stopped.
    isRunning: () => false,
    replay: () => onReplay() === true,
  };
  const appender = { writeRows: async (drafts: readonly RowDraft[]) => rows.write(drafts) };
  return new DeadLetters('p', { engine: engine(), reader }, () => ({ names, appender }) as unknown as LetterDesk);
}

const rare = Array.from({ length: Math.ceil(count / rareEvery) }, (_, at) => at * rareEvery + 1);

const walks: readonly [string, (on: DeadLetters) => Promise<unknown>, expected: unknown, writes?: true][] = [
  ['lists those of a type that there is none of', (on) => collect(on.list({ type: 'none' })), []],
  ['lists few', async (on) => (await collect(on.list({ type: 'rare' }))).map(({ position }) => position), rare],
  ['tries none again', (on) => on.retry({ stream: 'b' }), { handled: 0, failed: 0, waiting: 0 }],
  ['tries few again', (on) => on.retry({ type: 'rare' }), { handled: 0, failed: 0, waiting: rare.length }, true],
  ['tries all again', (on) => on.retry('all'), { handled: 0, failed: 0, waiting: count }, true],
  ['discards none', (on) => on.discard({ type: 'none' }, { reason: 'r' }), 0],
  ['discards few', (on) => on.discard({ type: 'rare' }, { reason: 'r' }), rare.length, true],
  ['purges', (on) => on.purge(), 0],
];

test.each(walks)('who %s of many letters looks at few in one turn', async (_, walk, expected, writes) => {
  fill(writes);

  expect(await walk(letters())).toEqual(expected);
  const each = [...looks.values()];
  expect(each.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(count);
  expect(Math.max(...each)).toBeLessThanOrEqual(2 * letterLooksMax);
});

const stoppable: readonly [string, (on: DeadLetters, signal: AbortSignal) => Promise<unknown>][] = [
  ['list', (on, signal) => collect(on.list({ type: 'none', signal }))],
  ['retry', (on, signal) => on.retry({ type: 'none' }, { signal })],
  ['discard', (on, signal) => on.discard({ type: 'none' }, { reason: 'r', signal })],
  ['purge', (on, signal) => on.purge({ signal })],
];

test.each(stoppable)('a %s ends with its signal, in the middle of a walk', async (_, walk) => {
  fill();
  const stop = new AbortController();
  setImmediate(() => stop.abort());

  await expect(walk(letters(), stop.signal)).rejects.toMatchObject({ code: 'ABORTED' });
  expect([...looks.values()].reduce((sum, one) => sum + one, 0)).toBeLessThan(count);
});

test('who waits for many letters that nobody tries any more looks at few in one turn', async () => {
  fill(true);

  expect(await letters(() => true).retry('all')).toEqual({ handled: 0, failed: 0, waiting: count });
  expect(Math.max(...looks.values())).toBeLessThanOrEqual(2 * letterLooksMax);
});

const source = () => ({ bus: { deadLetters: () => letters() } }) as unknown as Source;
const redaction = new Redaction({ redact: undefined, redactEntry: undefined, redactError: undefined }, () => {});
const page = (query: string, signal = new AbortController().signal): Promise<LettersPage> =>
  lettersPage({ source: source(), redaction }, 'p', new URLSearchParams(query), signal);

test.each(['rare', 'none'])(
  'a page of letters of the type %s ends in time, and the next goes on from there',
  async (type) => {
    fill();
    clockOf(500);
    const found: number[] = [];
    let answers = 0;
    for (let after: number | undefined = 0; after !== undefined; answers++) {
      const { letters, next }: LettersPage = await page(`type=${type}&after=${after}&limit=200`);
      found.push(...letters.map(({ position }) => position));
      after = next;
    }

    expect(found).toEqual(type === 'rare' ? rare : []);
    expect(answers).toBeGreaterThan(1);
  },
);

test('a page of letters that nobody waits for any more is not looked for', async () => {
  fill();

  await expect(page('type=none', AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
});

test('streams with parked events are found by one row of each, a few at a time', () => {
  const streams = ['a', 'a!', 'ab', 'b', 'ü'];
  rows.write(streams.flatMap((stream) => [1, 2, 3].map((position) => parked(stream, position))));
  const other = parkedKey('q', 'c', 1);
  rows.write([{ table: 'parked', key: other, value: parkedRow(other) }]);

  const found: string[] = [];
  for (let after: string | undefined; ; after = found.at(-1)) {
    const part = rows.read((snapshot) => parkedStreams(counted(snapshot), 'p', after, 2));
    found.push(...part);
    if (part.length < 2) break;
  }
  expect(found.toSorted()).toEqual(streams.toSorted());
  expect(looks.get(turn)).toBe(streams.length);
});

test('a stream is open when something is parked in it and no letter blocks it, whatever other letters there are', async () => {
  fill(true);
  const walk = new LetterWalk('p', engine());
  const isOpen = (stream: string) => walk.hasOpenStream((one) => one === stream, undefined);
  expect(await isOpen('x')).toBe(false);
  rows.write([parked('x', 900_001), parked('y', 900_002)]);
  rows.write([letter(800_000, { stream: 'x', isParked: true }), letter(800_001, { stream: 'y' })]);
  expect([await isOpen('x'), await isOpen('y'), await isOpen('z')]).toEqual([false, true, false]);
  rows.write([letter(800_000, { stream: 'x', isParked: true, state: 'discarded' })]);
  looks.clear();
  expect(await isOpen('x')).toBe(true);
  expect(Math.max(...looks.values())).toBeLessThanOrEqual(2 * letterLooksMax);
});

test.each([
  ['retry', (on: DeadLetters, signal: AbortSignal) => on.retry('all', { signal })],
  ['discard', (on: DeadLetters, signal: AbortSignal) => on.discard('all', { reason: 'r', signal })],
] as const)('what a %s has changed before it was stopped is taken up by the processor', async (_, order) => {
  fill(true);
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  let replays = 0;

  await expect(
    order(
      letters(() => replays++),
      stop.signal,
    ),
  ).rejects.toMatchObject({ code: 'ABORTED' });
  expect((await collect(letters().list({ state: 'dead' }))).length).toBeLessThan(count);
  expect(replays).toBe(1);
});

test.each([
  ['retry', retryLetters, 'They are being tried, one after the other.'],
  ['discard', discardLetters, 'They are being discarded, one after the other.'],
] as const)('a %s from the dashboard is done to the end, however soon it is answered', async (_, order, text) => {
  fill(true);
  const waits = holdTimers('setTimeout', answerMaxMs);
  setImmediate(() => waits.run());

  expect(await order(source(), { name: 'p', body: { positions: 'all' } })).toEqual({ text });
  expect(await collect(letters().list({ state: 'dead', limit: 1 }))).toHaveLength(1);
  await expect.poll(() => collect(letters().list({ state: 'dead', limit: 1 }))).toEqual([]);
});
