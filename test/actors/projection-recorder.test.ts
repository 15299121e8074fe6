/** The recorder's side of the contract of effects: what a round that nobody waits for any more did is in no rows. */
import { expect, test } from 'vitest';
import { ProjectionRecorder } from '#actors/projection-recorder';
import { decodeEntry } from '#kernel/codec/projection-row';
import { resolveRange } from '#kernel/log/projection-range';
import { BuildEntries } from '#kernel/log/projection-rows';
import { initialMetaRows } from '#kernel/log/store-meta';
import type { RowWrite } from '#kernel/storage/engine';
import { MemoryStorage, openMemoryEngine } from '#kernel/storage/memory-engine';
import type { StoredEvent } from '#store';

/** A recorder that sets the position of each event under `last` and under its own key, on a store of its own. */
function recorder() {
  const engine = openMemoryEngine(new MemoryStorage(), { initialRows: initialMetaRows('sync', 0), readOnly: false });
  const entries = new BuildEntries('p', { version: 1, build: 1, isSealed: false });
  const calls = new Map([
    [
      'called',
      (view: { set(key: string, value: unknown): void }, { position }: StoredEvent) => {
        view.set('last', position);
        view.set(`at-${position}`, position);
      },
    ],
  ]);
  const one = new ProjectionRecorder({ name: 'p', engine, calls, isDue: () => false });
  one.open(entries);
  const call = (position: number) => one.call({ type: 'called', position } as StoredEvent);
  const commit = (rows: readonly RowWrite[]) => engine.commit({ blocks: [], rows });
  const stored = () =>
    engine.read((snapshot) =>
      entries.page(snapshot, resolveRange({}), undefined, 100).items.map(({ key, value }) => [key, decodeEntry(value)]),
    );
  return { recorder: one, call, commit, stored };
}

test('rows of a round are those of its end, also when the next one was given up in between', () => {
  const { recorder: one, call, commit, stored } = recorder();
  one.begin(0, undefined);
  call(1);
  const effects = one.end(1);
  one.begin(1, effects);
  call(2);

  commit(effects?.rows() ?? []);

  expect(stored()).toEqual([
    ['at-1', 1],
    ['last', 1],
  ]);
});

test('a round that was given up is not part of the next', () => {
  const { recorder: one, call, commit, stored } = recorder();
  one.begin(0, undefined);
  call(1);
  const first = one.end(1);
  one.begin(1, first);
  call(2);
  one.end(2);

  one.begin(1, first);
  call(3);
  commit(one.end(3)?.rows() ?? []);

  expect(stored()).toEqual([
    ['at-1', 1],
    ['at-3', 3],
    ['last', 3],
  ]);
});

test('what was never saved is forgotten when a round begins without it', () => {
  const { recorder: one, call, commit, stored } = recorder();
  one.begin(0, undefined);
  call(1);
  one.end(1);

  one.begin(0, undefined);
  call(2);
  commit(one.end(2)?.rows() ?? []);

  expect(stored()).toEqual([
    ['at-2', 2],
    ['last', 2],
  ]);
});

test('a round that handled nothing leaves the effects before it as they are', () => {
  const { recorder: one, call, commit, stored } = recorder();
  one.begin(0, undefined);
  call(1);
  const first = one.end(1);
  one.begin(1, first);
  const second = one.end(1);
  one.begin(1, second);
  call(2);

  expect(second).toBe(first);
  commit(first?.rows() ?? []);
  expect(stored()).toEqual([
    ['at-1', 1],
    ['last', 1],
  ]);
});

test('effects show their position and size, and nothing of what they hold', () => {
  const { recorder: one, call } = recorder();
  one.begin(0, undefined);
  call(1);

  expect(JSON.parse(JSON.stringify(one.end(1)))).toEqual({ position: 1, bytes: expect.any(Number) });
});
