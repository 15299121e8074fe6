/** The overlay against a Map: calls and rounds that are taken back, saves, ranges over what is stored and what is not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallView, type CallView as View } from '#actors/projection-view';
import { decodeEntry } from '#kernel/codec/projection-row';
import { ProjectionOverlay } from '#kernel/log/projection-overlay';
import { compareKeys, resolveRange } from '#kernel/log/projection-range';
import { BuildEntries } from '#kernel/log/projection-rows';
import { initialMetaRows } from '#kernel/log/store-meta';
import { MemoryStorage, openMemoryEngine } from '#kernel/storage/memory-engine';
import { deeds } from '../kit/arbitrary-deeds.ts';
import { MapView, perform } from '../kit/projection-model.ts';

type Step =
  | { readonly kind: 'call'; readonly deeds: Parameters<typeof perform>[1]; readonly fails: boolean }
  | { readonly kind: 'round' | 'undo-round' | 'save' | 'save-of-round' | 'forget' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('call' as const), deeds, fails: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('round', 'undo-round', 'save', 'save-of-round', 'forget') }),
  },
);

const build = { version: 1, build: 1, isSealed: false };

test('the overlay is a Map that can take back a call or a round, and its rows make the store the same', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const engine = openMemoryEngine(new MemoryStorage(), {
        initialRows: initialMetaRows('sync', 0),
        readOnly: false,
      });
      const stored = new BuildEntries('p', build);
      const overlay = new ProjectionOverlay(engine, stored);
      const commit = (upTo: 'now' | 'round') => engine.commit({ blocks: [], rows: overlay.rows(upTo) });
      const durable = () =>
        engine.read((snapshot) =>
          stored
            .page(snapshot, resolveRange({}), undefined, 1e9)
            .items.map(({ key, value }) => [key, decodeEntry(value)]),
        );
      const model = { now: copyOf(new MapView()), round: copyOf(new MapView()), saved: copyOf(new MapView()) };
      for (const one of steps) {
        if (one.kind === 'call') {
          const before = copyOf(model.now);
          perform(model.now, one.deeds);
          overlay.beginCall();
          const view: View = new CallView(overlay, 'p');
          perform(view, one.deeds);
          if (one.fails) {
            overlay.undoCall();
            model.now = before;
          }
        } else if (one.kind === 'round') {
          overlay.beginRound();
          model.round = copyOf(model.now);
        } else if (one.kind === 'undo-round') {
          overlay.undoRound();
          overlay.beginRound();
          model.now = copyOf(model.round);
        } else if (one.kind === 'save') {
          commit('now');
          overlay.saved();
          model.saved = copyOf(model.now);
          model.round = copyOf(model.now);
        } else if (one.kind === 'save-of-round') {
          // The round on top was given up by whoever saves.
          commit('round');
          overlay.clear();
          model.saved = copyOf(model.round);
          model.now = copyOf(model.round);
        } else {
          overlay.clear();
          model.now = copyOf(model.saved);
          model.round = copyOf(model.saved);
        }
        const view = new CallView(overlay, 'p');
        expect([...view.range()].map(({ key, value }) => [key, value])).toEqual(sorted(model.now));
        expect([...view.range({ reverse: true, prefix: 'a' })]).toEqual(
          model.now.range({ reverse: true, prefix: 'a' }),
        );
        expect(durable()).toEqual(sorted(model.saved));
        expect(overlay.isDirty || durable().length === model.now.values.size).toBe(true);
        if (!overlay.isDirty) expect(overlay.dirtyBytes).toBe(0);
      }
    }),
  );
});

const text = fc.string({
  unit: fc.constantFrom('a', 'b', '\0', 'é', '\ud7ff', '\ue000', '\uffee', '\u{1f600}', '\u{10ffff}'),
});

test('keys have the order of their UTF-8 bytes', () => {
  fc.assert(
    fc.property(text, text, (left, right) => {
      expect(Math.sign(compareKeys(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
    }),
  );
});

function copyOf(view: MapView): MapView {
  const copy = new MapView();
  for (const [key, value] of view.values) copy.set(key, value);
  return copy;
}

function sorted(view: MapView): [string, unknown][] {
  return view.range().map(({ key, value }) => [key, value]);
}
