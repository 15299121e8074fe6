/**
 * Projections against a fold over the log: any events, handlers that throw once or for good, stops, rebuilds, new versions, and crashes before
 * and after any commit. At every moment each build in the store is what its handlers make of the log up to its cursor.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Bus, Projection, StoredEvent } from '#store';
import { deedsOrFailure } from '../kit/arbitrary-deeds.ts';
import { collect } from '../kit/collect.ts';
import { casesOf, takeAll } from '../kit/crashing-world.ts';
import { EndingEngine } from '../kit/ending-engine.ts';
import { builtIn, type Done, folded, perform } from '../kit/projection-model.ts';
import { TempStore } from '../kit/temp-store.ts';

type Step =
  | { readonly kind: 'append'; readonly events: readonly Done['data'][] }
  | { readonly kind: 'catch-up' | 'stop' | 'start' | 'rebuild' | 'new-version' | 'look' }
  /** The handler throws at the next call, having done this many of its deeds. */
  | { readonly kind: 'throw'; readonly behind: number }
  /** The end of the process, before or after so many more commits. */
  | { readonly kind: 'crash'; readonly commits: number; readonly isBefore: boolean };

const simple = fc.constantFrom('catch-up', 'catch-up', 'catch-up', 'stop', 'start', 'rebuild', 'new-version', 'look');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      events: fc.array(deedsOrFailure, { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: simple }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('throw' as const), behind: fc.integer({ min: 0, max: 5 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      commits: fc.integer({ min: 0, max: 6 }),
      isBefore: fc.boolean(),
    }),
  },
);

/** A bus and a projection, as long as they last. */
class World implements AsyncDisposable {
  readonly #store = new TempStore('memory');
  #engine: EndingEngine | undefined;
  #bus: Bus | undefined;
  #projection: Projection | undefined;
  readonly #onFailure: 'skip' | 'dead-letter';
  #version = 1;
  #throwsBehind: number | undefined;
  #isRunning = false;

  constructor(onFailure: 'skip' | 'dead-letter') {
    this.#onFailure = onFailure;
  }

  async take(step: Step): Promise<void> {
    const bus = this.#bus ?? (await this.#open());
    const projection = this.#projection as Projection;
    if (step.kind === 'append')
      await bus.append(
        's',
        step.events.map((data) => ({ type: 'done', data })),
      );
    else if (step.kind === 'throw') this.#throwsBehind = step.behind;
    else if (step.kind === 'crash') this.#engine?.endAfter(step.commits, step.isBefore);
    else if (step.kind === 'catch-up' && this.#isRunning) await projection.caughtUp();
    else if (step.kind === 'start') this.#start();
    else if (step.kind === 'stop') {
      this.#isRunning = false;
      await projection.stop();
    } else if (step.kind === 'rebuild') await projection.rebuild();
    else if (step.kind === 'new-version') {
      this.#version++;
      await projection.close();
      this.#projection = this.#make(bus);
      this.#start();
    }
    await this.check();
  }

  /** What a failed commit leaves is as after a crash. */
  crash(): void {
    if (this.#bus !== undefined) this.#store.crash(this.#bus);
    this.#bus = undefined;
  }

  async check(): Promise<void> {
    const engine = await this.#store.openEngine({ readOnly: true });
    const reader = await this.#store.openBus({ readOnly: true });
    const log = (await collect(reader.read())) as StoredEvent<Done>[];
    for (const { position, values } of builtIn(engine, 'p')) {
      const expected = folded(log, position);
      expect(new Map([...values].sort())).toEqual(new Map([...expected].sort()));
    }
    await reader.close();
    engine.close();
  }

  /** All is as it should be in the end. */
  async finish(): Promise<void> {
    this.crash();
    await this.#open();
    await this.#projection?.caughtUp();
    await this.check();
    const log = (await collect((this.#bus as Bus).read())) as StoredEvent<Done>[];
    const entries = (await collect((this.#projection as Projection).range())).map(({ key, value }) => [key, value]);
    expect(new Map(entries as [string, unknown][])).toEqual(folded(log, log.length));
    expect((await (this.#bus as Bus).verify()).problems).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.close();
  }

  async #open(): Promise<Bus> {
    this.#bus = await this.#store.openBus({}, (engine) => {
      this.#engine = new EndingEngine(engine);
      return this.#engine;
    });
    this.#bus.errors$.subscribe();
    this.#projection = this.#make(this.#bus);
    this.#start();
    return this.#bus;
  }

  #make(bus: Bus): Projection {
    return bus.projection({
      name: 'p',
      version: this.#version,
      on: {
        done: (view, { data }) => {
          const behind = this.#throwsBehind;
          this.#throwsBehind = undefined;
          perform(view, behind === undefined ? data : data.slice(0, behind));
          if (behind !== undefined) throw new Error('planted');
        },
      },
      batch: 3,
      checkpoint: { events: 5, ms: 5 },
      retry: { minMs: 0, maxMs: 0, attempts: 4 },
      onFailure: this.#onFailure,
    });
  }

  #start(): void {
    this.#isRunning = true;
    this.#projection?.start();
  }
}

test('a projection is a fold over the log, whatever happens', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40 }),
      fc.constantFrom('skip', 'dead-letter'),
      async (steps, how) => {
        await using world = new World(how);
        await takeAll(world, steps);
      },
    ),
    casesOf(25, 500),
  );
});
