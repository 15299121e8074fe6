/**
 * Projections and erasures against a fold over what the log still tells: any events in several streams, erasures and new
 * keys for what was erased, stops, rebuilds, new versions, and crashes before and after any commit. A build that has no mark
 * of an erasure is what its handlers make of the events that can be read, and a receipt that is final is true.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogReader } from '#kernel/log/log-reader';
import { readMarks } from '#kernel/log/projection-erasure';
import { TailFollower } from '#kernel/log/tail';
import type { Bus, Projection, ProjectionRange, ProjectionView, StoredEvent } from '#store';
import { deedsOrFailure } from '../kit/arbitrary-deeds.ts';
import { collect } from '../kit/collect.ts';
import { casesOf, takeAll } from '../kit/crashing-world.ts';
import { EndingEngine } from '../kit/ending-engine.ts';
import { builtIn, type Deed, type Done, MapView, perform } from '../kit/projection-model.ts';
import { TempStore } from '../kit/temp-store.ts';
import { testKey } from '../kit/test-key.ts';

type Step =
  | { readonly kind: 'append'; readonly stream: string; readonly events: readonly Done['data'][] }
  | { readonly kind: 'erase'; readonly stream: string }
  | { readonly kind: 'catch-up' | 'stop' | 'start' | 'pause' | 'rebuild' | 'new-version' | 'look' }
  /** The end of the process, before or after so many more commits. */
  | { readonly kind: 'crash'; readonly commits: number; readonly isBefore: boolean };

const streams = ['s', 't', 'u', 'v'];
const stream = fc.constantFrom(...streams);
const simple = fc.constantFrom('catch-up', 'catch-up', 'stop', 'start', 'pause', 'rebuild', 'new-version', 'look');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      stream,
      events: fc.array(deedsOrFailure, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('erase' as const), stream }) },
  { weight: 6, arbitrary: fc.record({ kind: simple }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      commits: fc.integer({ min: 0, max: 6 }),
      isBefore: fc.boolean(),
    }),
  },
);

/** `'correct'`: entries are those of one stream each, which `onErased` removes. */
type How = 'correct' | 'rebuild';
const encryption = { masterKey: testKey } as const;

/** What a view shows of the entries of one stream. */
function ofStream(view: ProjectionView<unknown>, name: string): ProjectionView<unknown> {
  const own = `${name}/`;
  return {
    get: (key) => view.get(own + key),
    set: (key, value) => view.set(own + key, value),
    delete: (key) => view.delete(own + key),
    update: (key, change) => view.update(own + key, change),
    range: ({ from, to, prefix = '', ...rest }: ProjectionRange = {}) => {
      const range = { ...(from !== undefined && { from: own + from }), ...(to !== undefined && { to: own + to }) };
      return [...view.range({ ...rest, ...range, prefix: own + prefix })].map(({ key, value }) => ({
        key: key.slice(own.length),
        value,
      }));
    },
  };
}

const viewFor = (how: How, view: ProjectionView<unknown>, name: string) =>
  how === 'correct' ? ofStream(view, name) : view;

/** What is left of the log up to `position` makes. */
function foldOf(log: readonly StoredEvent<Done>[], position: number, how: How): Map<string, unknown> {
  const view = new MapView();
  const canBeDone = (deeds: readonly Deed[]) => deeds.every((deed) => deed.do !== 'fail');
  for (const event of log) {
    if (event.position > position || event.type !== 'done' || event.erased === true) continue;
    if (canBeDone(event.data)) perform(viewFor(how, view, event.stream), event.data);
  }
  return view.values;
}

class World implements AsyncDisposable {
  readonly #store = new TempStore('memory');
  readonly #how: How;
  #engine: EndingEngine | undefined;
  #bus: Bus | undefined;
  #projection: Projection | undefined;
  #version = 1;
  readonly #erased = new Set<string>();

  constructor(how: How) {
    this.#how = how;
  }

  async take(one: Step): Promise<void> {
    const bus = this.#bus ?? (await this.#open());
    const projection = this.#projection as Projection;
    if (one.kind === 'append') await this.#append(bus, one.stream, one.events);
    else if (one.kind === 'erase') await this.#erase(bus, one.stream);
    else if (one.kind === 'crash') this.#engine?.endAfter(one.commits, one.isBefore);
    else if (one.kind === 'catch-up' && projection.isToRun) await projection.caughtUp();
    else if (one.kind === 'start') projection.start();
    else if (one.kind === 'stop') await projection.stop();
    else if (one.kind === 'pause') projection.pause();
    else if (one.kind === 'rebuild') await projection.rebuild();
    else if (one.kind === 'new-version') {
      this.#version++;
      await projection.close();
      this.#make(bus).start();
    }
    await this.check();
  }

  /** What a failed commit leaves is as after a crash. */
  crash(): void {
    if (this.#bus !== undefined) this.#store.crash(this.#bus);
    this.#bus = undefined;
  }

  async check(): Promise<void> {
    const engine = await this.#store.openEngine({ encryption, readOnly: true });
    const reader = new LogReader(engine, new TailFollower());
    const log = Array.from({ length: reader.head() }, (_, index) => reader.event(index + 1));
    for (const { build, position, values } of builtIn(engine, 'p')) {
      if (engine.read((snapshot) => readMarks(snapshot, 'p', build)).length > 0) continue;
      const expected = foldOf(log as unknown as StoredEvent<Done>[], position, this.#how);
      expect(new Map([...values].sort())).toEqual(new Map([...expected].sort()));
    }
    engine.close();
  }

  /** All is as it should be in the end. */
  async finish(): Promise<void> {
    this.crash();
    const bus = await this.#open();
    await this.#projection?.caughtUp();
    for (const name of this.#erased) expect(await bus.erase({ stream: name })).toMatchObject({ final: true });
    await this.#projection?.caughtUp();
    await this.check();
    const log = (await collect(bus.read())) as StoredEvent<Done>[];
    const entries = (await collect((this.#projection as Projection).range())).map(({ key, value }) => [key, value]);
    expect(new Map(entries as [string, unknown][])).toEqual(foldOf(log, log.length, this.#how));
    expect((await bus.verify()).problems).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.close();
  }

  async #append(bus: Bus, name: string, events: readonly Done['data'][]): Promise<void> {
    // What corrects removes all of a stream, so that must not begin again.
    if (this.#how === 'correct' && this.#erased.has(name)) return;
    await bus.append(
      name,
      events.map((data) => ({ type: 'done', data })),
      { newKeyGeneration: true },
    );
  }

  async #erase(bus: Bus, name: string): Promise<void> {
    this.#erased.add(name);
    const receipt = await bus.erase({ stream: name });
    const isPending = receipt.projections.some(({ state }) => state === 'pending');
    expect(receipt.final).toBe(!isPending);
    const { tags } = (this.#projection as Projection).status;
    if (bus.state === 'open' && tags.includes('running')) expect(receipt.final).toBe(true);
    for (const { data, erased } of await collect(bus.readStream(name)))
      expect([data, erased]).toEqual([undefined, true]);
  }

  async #open(): Promise<Bus> {
    this.#bus = await this.#store.openBus({ encryption }, (engine) => {
      this.#engine = new EndingEngine(engine);
      return this.#engine;
    });
    this.#bus.errors$.subscribe();
    this.#make(this.#bus).start();
    return this.#bus;
  }

  #make(bus: Bus): Projection {
    this.#projection = bus.projection({
      name: 'p',
      version: this.#version,
      on: { done: (view, { stream: name, data }) => perform(viewFor(this.#how, view, name), data as Deed[]) },
      batch: 3,
      checkpoint: { events: 5, ms: 5 },
      retry: { minMs: 0, maxMs: 0, attempts: 1 },
      onFailure: 'skip',
      ...(this.#how === 'correct' && {
        onErased: (view, { stream: name }) => {
          for (const erased of name === undefined ? this.#erased : [name])
            for (const { key } of view.range({ prefix: `${erased}/` })) view.delete(key);
        },
      }),
    });
    return this.#projection;
  }
}

test('a projection is a fold over what was not erased, whatever happens', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 30 }),
      fc.constantFrom<How>('correct', 'rebuild'),
      async (steps, how) => {
        await using world = new World(how);
        await takeAll(world, steps);
      },
    ),
    casesOf(8, 300),
  );
});
