/**
 * Timers against a plain array: whatever is ordered, however time passes, and wherever the process ends, each timer that was
 * not taken back is appended exactly once, in the order of the times, and never early.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Bus } from '#store';
import { collect } from '../kit/collect.ts';
import { TempStore } from '../kit/temp-store.ts';

// So that a history of some dozen timers takes several batches.
vi.mock('#kernel/limits', async (importOriginal) => ({
  ...(await importOriginal<typeof import('#kernel/limits')>()),
  timerBatchMax: 3,
  timerBatchBytesMax: 400,
  pageEventsMax: 4,
  timersMax: 12,
}));

const timersMax = 12;

interface ModelTimer {
  readonly key: string;
  readonly dueMs: number;
  readonly stream: string;
  readonly n: number;
}

/** What is pending, in the order in which it was made, and what was appended. */
class Model {
  nowMs = 100_000;
  pending: ModelTimer[] = [];
  readonly fired: ModelTimer[] = [];
  #count = 0;

  inOrder(): ModelTimer[] {
    return this.pending.toSorted((left, right) => left.dueMs - right.dueMs || left.n - right.n);
  }

  /** What `order` makes, unless it cancels. */
  timerOf({ key, stream, delayMs }: Order): ModelTimer | undefined {
    if (delayMs === undefined) return undefined;
    return { key, stream, dueMs: Math.max(0, this.nowMs + delayMs), n: ++this.#count };
  }

  /** Puts `timer` in the place of the one of `key`; gives the answer that is due. */
  take(key: string, timer: ModelTimer | undefined): boolean | 'TIMERS_FULL' {
    const known = this.pending.find((one) => one.key === key);
    if (timer !== undefined && known === undefined && this.pending.length >= timersMax) return 'TIMERS_FULL';
    this.pending = this.pending.filter((one) => one !== known);
    if (timer !== undefined) this.pending.push(timer);
    return known !== undefined;
  }

  fire(): void {
    const due = this.inOrder().filter(({ dueMs }) => dueMs <= this.nowMs);
    this.fired.push(...due);
    this.pending = this.pending.filter((timer) => !due.includes(timer));
  }
}

class Real {
  readonly store: TempStore;
  readonly model: Model;
  bus!: Bus;

  constructor(store: TempStore, model: Model) {
    this.store = store;
    this.model = model;
  }

  async open(): Promise<void> {
    this.bus = await this.store.openBus({ clock: () => this.model.nowMs, durability: 'os' });
    // That its store was taken away is no news.
    this.bus.errors$.subscribe();
    await this.check();
  }

  /** Fires, and compares everything. */
  async check(): Promise<void> {
    await this.bus.fireTimers();
    this.model.fire();
    const events = await collect(this.bus.read());
    expect(events.map(({ stream, data }) => [stream, data.n])).toEqual(
      this.model.fired.map(({ stream, n }) => [stream, n]),
    );
    for (const { timeMs, data } of events) expect(timeMs).toBeGreaterThanOrEqual(data.dueMs);
    const listed = await collect(this.bus.timers());
    expect(listed.map(({ key, dueMs, stream }) => [key, dueMs, stream])).toEqual(
      this.model.inOrder().map(({ key, dueMs, stream }) => [key, dueMs, stream]),
    );
    expect(await this.bus.verify()).toMatchObject({ ok: true, problems: [] });
  }
}

type Command = fc.AsyncCommand<Model, Real>;

/** Several orders at once: they share a write, or a few. */
class Orders implements Command {
  readonly #orders: readonly Order[];

  constructor(orders: readonly Order[]) {
    this.#orders = orders;
  }

  check = () => true;

  async run(model: Model, real: Real): Promise<void> {
    const sent = this.#orders.map((order) => ({ order, timer: model.timerOf(order) }));
    const outcomes = await Promise.allSettled(
      sent.map(async ({ order: { key }, timer }) => {
        if (timer === undefined) return real.bus.cancelTimer(key);
        const data = { n: timer.n, dueMs: timer.dueMs, text: 'x'.repeat(timer.n % 5 === 0 ? 500 : 10) };
        const { replaced } = await real.bus.schedule(timer.stream, { type: 'Fired', data }, { key, at: timer.dueMs });
        return replaced;
      }),
    );
    const answers = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code));
    expect(answers).toEqual(sent.map(({ order, timer }) => model.take(order.key, timer)));
    await real.check();
  }

  toString = () => `Orders(${JSON.stringify(this.#orders)})`;
}

class Pass implements Command {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check = () => true;

  async run(model: Model, real: Real): Promise<void> {
    model.nowMs += this.#ms;
    await real.check();
  }

  toString = () => `Pass(${this.#ms})`;
}

class Reopen implements Command {
  readonly #how: 'close' | 'crash';
  readonly #ms: number;

  constructor(how: 'close' | 'crash', ms: number) {
    this.#how = how;
    this.#ms = ms;
  }

  check = () => true;

  async run(model: Model, real: Real): Promise<void> {
    if (this.#how === 'close') await real.bus.close();
    else real.store.crash(real.bus);
    model.nowMs += this.#ms;
    await real.open();
  }

  toString = () => `Reopen(${this.#how}, ${this.#ms})`;
}

/** Time passes, and the process ends while what has become due is being appended. */
class CrashWhileFiring implements Command {
  readonly #ms: number;
  readonly #turns: number;

  constructor(ms: number, turns: number) {
    this.#ms = ms;
    this.#turns = turns;
  }

  check = () => true;

  async run(model: Model, real: Real): Promise<void> {
    model.nowMs += this.#ms;
    const firing = real.bus.fireTimers().catch(() => undefined);
    for (let turn = 0; turn < this.#turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    real.store.crash(real.bus);
    await firing;
    await real.open();
  }

  toString = () => `CrashWhileFiring(${this.#ms}, ${this.#turns})`;
}

interface Order {
  readonly key: string;
  readonly stream: string;
  /** `undefined`: cancels. */
  readonly delayMs: number | undefined;
}

/** Orders that are due at once come alone: which of several the firing comes between is not told. */
function orders(earliestMs: number, count: number): fc.Arbitrary<Command> {
  const order = fc.record({
    key: fc.integer({ min: 0, max: 15 }).map((n) => `k${n}`),
    stream: fc.constantFrom('a', 'b'),
    delayMs: fc.option(fc.integer({ min: earliestMs, max: 300 }), { nil: undefined, freq: 4 }),
  });
  return fc.array(order, { minLength: 1, maxLength: count }).map((list) => new Orders(list));
}

const history = fc.commands(
  [
    orders(1, 8),
    orders(1, 8),
    orders(-50, 1),
    fc.integer({ min: -100, max: 200 }).map((ms): Command => new Pass(ms)),
    fc.tuple(fc.constantFrom('close', 'crash'), fc.nat(200)).map(([how, ms]): Command => new Reopen(how, ms)),
    fc.tuple(fc.nat(300), fc.nat(8)).map(([ms, turns]): Command => new CrashWhileFiring(ms, turns)),
  ],
  { maxCommands: 25 },
);

test.each([
  ['memory', 1],
  ['lmdb', 10],
] as const)('timers do as a plain array does (%s)', async (kind, share) => {
  const numRuns = Math.ceil((fc.readConfigureGlobal().numRuns ?? 100) / share);
  await fc.assert(
    fc.asyncProperty(history, async (commands) => {
      await using store = new TempStore(kind);
      const model = new Model();
      const real = new Real(store, model);
      await real.open();
      await fc.asyncModelRun(() => ({ model, real }), commands);
    }),
    { numRuns },
  );
});
