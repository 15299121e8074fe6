/**
 * What may happen to a log, as commands of fast-check: each does a thing to a real bus and to the model, and compares.
 *
 * A run has a writing bus and a read-only one that follows the same store; every kind of read is asked of either.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Bus } from '#actors/bus';
import { LogWriter } from '#kernel/log/log-writer';
import type {
  AppendResult,
  BusError,
  ExpectedVersion,
  NewEvent,
  Pages,
  ReadOptions,
  ReadStreamOptions,
  StoredEvent,
  StreamsOptions,
} from '#store';
import { collect, take } from './collect.ts';
import { LogModel, type ModelAppend, type ModelEvent, type ModelOutcome } from './log-model.ts';
import type { TempStore } from './temp-store.ts';

const idempotencyTtlMs = 1000;

/** The real side of a run. */
class RealLog {
  readonly store: TempStore;
  /** What the clock of the writing bus shows. */
  clockMs = 10_000;
  /** The largest page that may be given out. */
  readonly pageItemsMax: number;
  bus!: Bus;
  /** A subscription that goes on through the whole run, and where it is. */
  #live!: AsyncIterator<StoredEvent>;
  livePosition = 0;
  #follower: Bus | undefined;

  constructor(store: TempStore, pageItemsMax: number) {
    this.store = store;
    this.pageItemsMax = pageItemsMax;
  }

  async open(): Promise<void> {
    this.bus = await this.store.openBus(this.#options());
    this.#follower ??= await this.store.openBus({ readOnly: true });
    this.#live = this.bus.subscribe({ after: this.livePosition })[Symbol.asyncIterator]();
  }

  /** Closes the store, or releases it as the end of the process would: then nothing is written any more. */
  async release(how: 'close' | 'crash'): Promise<void> {
    if (how === 'close') await this.bus.close();
    else this.store.crash(this.bus);
    // Within one process LMDB's writer opens before its readers. A follower in memory lives through it all.
    if (this.store.kind === 'memory') return;
    await this.#follower?.close();
    this.#follower = undefined;
  }

  async rebuildIndex(): Promise<void> {
    const engine = await this.store.openEngine(this.#options());
    new LogWriter(engine, { idempotencyTtlMs, clock: () => this.clockMs, rebuildIndex: true });
    engine.close();
  }

  /** The next `count` events of the subscription. */
  async live(count: number): Promise<StoredEvent[]> {
    const events = await take(this.#live, count);
    this.livePosition += events.length;
    return events;
  }

  reader(target: Target): Bus {
    return target === 'bus' ? this.bus : (this.#follower as Bus);
  }

  #options() {
    return { clock: () => this.clockMs, idempotencyTtlMs, durability: 'os' } as const;
  }
}

export type Target = 'bus' | 'follower';

/** The model side of a run: the log, and the calls that had a key, to be sent again. */
class ModelLog extends LogModel {
  readonly keyed: ModelAppend[] = [];

  constructor() {
    super(idempotencyTtlMs);
  }
}

type LogCommand = fc.AsyncCommand<ModelLog, RealLog>;

/** Arbitrary histories. `targets` says who may be asked. */
export function logCommands(options: {
  readonly targets: readonly Target[];
  readonly maxCommands: number;
}): fc.Arbitrary<Iterable<LogCommand>> {
  const target = fc.constantFrom(...options.targets);
  return fc.commands(
    [
      fc.array(call, { minLength: 1, maxLength: 4 }).map((calls) => new Append(calls)),
      fc.array(call, { minLength: 1, maxLength: 2 }).map((calls) => new Append(calls)),
      fc.tuple(fc.nat(), fc.boolean()).map(([which, isAltered]) => new Retry(which, isAltered)),
      fc.tuple(target, readOptions).map((parts) => new Read(...parts)),
      fc.tuple(target, readOptions, call).map((parts) => new ReadWhileAppending(...parts)),
      fc.tuple(target, stream, readStreamOptions).map((parts) => new ReadStream(...parts)),
      fc.tuple(target, fc.nat(positionMax)).map((parts) => new LookAtEvent(...parts)),
      fc.tuple(target, stream).map((parts) => new LookAtStream(...parts)),
      fc.tuple(target, streamsOptions).map((parts) => new ListStreams(...parts)),
      fc.constant(new Follow()),
      fc.constant(new Reopen('close')),
      fc.constant(new Reopen('crash')),
      fc.constant(new Reopen('rebuild')),
      fc.integer({ min: -300, max: 1200 }).map((ms) => new Tick(ms)),
      target.map((asked) => new Verify(asked)),
    ],
    { maxCommands: options.maxCommands, size: 'max' },
  );
}

/** Runs one history and, at its end, compares everything once more. */
export async function runLog(commands: Iterable<LogCommand>, store: TempStore, pageItemsMax: number): Promise<void> {
  const model = new ModelLog();
  const real = new RealLog(store, pageItemsMax);
  await real.open();
  await fc.asyncModelRun(() => ({ model, real }), commands);
  await new Reopen('close').run(model, real);
  for (const target of ['bus', 'follower'] as const) {
    for (const direction of ['forward', 'backward'] as const) await new Read(target, { direction }).run(model, real);
    for (const name of names) await new ReadStream(target, name, {}).run(model, real);
    await new ListStreams(target, {}).run(model, real);
    await new Verify(target).run(model, real);
  }
}

const names = ['a', 'a-1', 'a-2', 'ab', 'b', 'é', '語'.repeat(30), '😀', 'a b', '~'];
const prefixes = ['', 'a', 'a-', 'b', 'é', '語語', '😀', 'nothing'];
const types = ['placed', 'paid', 'größe', 't'.repeat(40)];
const ids = ['1', 'order/7', '0188d0c8-0000-7000-8000-00000000abcd', '0188D0C8-0000-7000-8000-00000000ABCD', 'ü'];
const positionMax = 150;

const stream = fc.constantFrom(...names);
const text = fc.oneof({ weight: 6, arbitrary: fc.string({ maxLength: 12 }) }, fc.string({ maxLength: 900 }));
const newEvent: fc.Arbitrary<NewEvent> = fc.record(
  {
    type: fc.constantFrom(...types),
    id: fc.constantFrom(...ids),
    data: fc.oneof(
      fc.integer(),
      fc.record({ text, count: fc.integer() }, { noNullPrototype: true }),
      fc.constant(null),
    ),
    metadata: fc.record({ by: fc.string({ maxLength: 8 }) }, { noNullPrototype: true }),
  },
  { requiredKeys: ['type', 'id'], noNullPrototype: true },
);

/** A call whose expected versions are still to be found: `offset` is from what the stream will be at. */
type Expectation = 'any' | 'no-stream' | 'stream-exists' | { readonly offset: number };

interface CallPlan {
  readonly parts: readonly {
    readonly stream: string;
    readonly events: readonly NewEvent[];
    readonly expectation: Expectation;
  }[];
  readonly idempotencyKey: string | undefined;
}

const expectation: fc.Arbitrary<Expectation> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('any' as const) },
  { weight: 3, arbitrary: fc.constant({ offset: 0 }) },
  fc.record({ offset: fc.constantFrom(-1, 1, 2) }),
  fc.constantFrom('no-stream' as const, 'stream-exists' as const),
);
const callPart = fc.record({
  stream,
  events: fc.array(newEvent, { minLength: 1, maxLength: 7 }),
  expectation,
});
const call: fc.Arbitrary<CallPlan> = fc.record({
  parts: fc.uniqueArray(callPart, { minLength: 1, maxLength: 3, selector: (part) => part.stream }),
  idempotencyKey: fc.option(fc.constantFrom('key-1', 'key-2', 'ключ'), { nil: undefined }),
});

const direction = fc.constantFrom('forward' as const, 'backward' as const);
const range = {
  from: fc.nat(positionMax),
  to: fc.nat(positionMax),
  limit: fc.nat(20),
  direction,
};
const readOptions: fc.Arbitrary<ReadOptions> = fc.record(
  {
    ...range,
    types: fc.subarray(types),
    streams: fc.subarray(names),
    prefix: fc.constantFrom(...prefixes),
  },
  { requiredKeys: [] },
);
const readStreamOptions: fc.Arbitrary<ReadStreamOptions> = fc.record(
  { ...range, from: fc.nat(40), to: fc.nat(40) },
  { requiredKeys: [] },
);
const streamsOptions: fc.Arbitrary<StreamsOptions> = fc.record(
  { prefix: fc.constantFrom(...prefixes), after: fc.constantFrom(...names, 'a!', ''), limit: fc.nat(12) },
  { requiredKeys: [] },
);

/** Several calls in one turn of the event loop: each has its own outcome. */
class Append implements LogCommand {
  readonly #plans: readonly CallPlan[];

  constructor(plans: readonly CallPlan[]) {
    this.#plans = plans;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const timeMs = model.commitTime(real.clockMs);
    const calls: ModelAppend[] = [];
    const expected = this.#plans.map((plan) => {
      const asked = resolvePlan(plan, model);
      calls.push(asked);
      return model.append(asked, timeMs);
    });

    const outcomes = await Promise.all(calls.map((asked) => outcomeOf(send(real.bus, asked))));

    expectSame(outcomes, expected);
    expectSame(real.bus.head, model.head);
    model.keyed.push(...calls.filter(({ idempotencyKey }) => idempotencyKey !== undefined));
  }

  toString(): string {
    return `append(${fc.stringify(this.#plans)})`;
  }
}

/** A call with a key once more, whatever came in between. */
class Retry implements LogCommand {
  readonly #which: number;
  readonly #isAltered: boolean;

  constructor(which: number, isAltered: boolean) {
    this.#which = which;
    this.#isAltered = isAltered;
  }

  check(model: ModelLog): boolean {
    return model.keyed.length > 0;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const before = model.keyed[this.#which % model.keyed.length] as ModelAppend;
    const asked = this.#isAltered ? altered(before) : before;
    const expected = model.append(asked, model.commitTime(real.clockMs));

    const outcome = await outcomeOf(send(real.bus, asked));

    expectSame(outcome, expected);
    expectSame(real.bus.head, model.head);
  }

  toString(): string {
    return `retry(${this.#which}${this.#isAltered ? ', altered' : ''})`;
  }
}

class Read implements LogCommand {
  readonly #target: Target;
  readonly #options: ReadOptions;

  constructor(target: Target, options: ReadOptions) {
    this.#target = target;
    this.#options = options;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const expected = model.read(this.#options);

    const read = real.reader(this.#target).read(this.#options);

    await expectPages(read, expected, real);
  }

  toString(): string {
    return `${this.#target}.read(${fc.stringify(this.#options)})`;
  }
}

/** A read that began before an append does not see it. */
class ReadWhileAppending implements LogCommand {
  readonly #target: Target;
  readonly #options: ReadOptions;
  readonly #plan: CallPlan;

  constructor(target: Target, options: ReadOptions, plan: CallPlan) {
    this.#target = target;
    this.#options = options;
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const expected = model.read(this.#options);
    const pages = real.reader(this.#target).read(this.#options).pages()[Symbol.asyncIterator]();
    const first = await take(pages, 1);

    await new Append([this.#plan]).run(model, real);
    const rest = await take(pages, Number.POSITIVE_INFINITY);

    expectSame([...first, ...rest].flat(), expected);
  }

  toString(): string {
    return `${this.#target}.read(${fc.stringify(this.#options)}) while append(${fc.stringify(this.#plan)})`;
  }
}

class ReadStream implements LogCommand {
  readonly #target: Target;
  readonly #stream: string;
  readonly #options: ReadStreamOptions;

  constructor(target: Target, name: string, options: ReadStreamOptions) {
    this.#target = target;
    this.#stream = name;
    this.#options = options;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const expected = model.readStream(this.#stream, this.#options);

    const read = real.reader(this.#target).readStream(this.#stream, this.#options);

    await expectPages(read, expected, real);
  }

  toString(): string {
    return `${this.#target}.readStream(${this.#stream}, ${fc.stringify(this.#options)})`;
  }
}

class LookAtEvent implements LogCommand {
  readonly #target: Target;
  readonly #position: number;

  constructor(target: Target, position: number) {
    this.#target = target;
    this.#position = position;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const expected = model.events[this.#position - 1];

    const event = await real.reader(this.#target).event(this.#position);

    expectSame(event, expected);
  }

  toString(): string {
    return `${this.#target}.event(${this.#position})`;
  }
}

class LookAtStream implements LogCommand {
  readonly #target: Target;
  readonly #stream: string;

  constructor(target: Target, name: string) {
    this.#target = target;
    this.#stream = name;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const last = model.readStream(this.#stream, { direction: 'backward', limit: 1 })[0];
    const expected = last && { version: last.version, lastPosition: last.position };

    const head = await real.reader(this.#target).stream(this.#stream);

    expectSame(head, expected);
    expectSame(real.reader(this.#target).head, model.head);
  }

  toString(): string {
    return `${this.#target}.stream(${this.#stream})`;
  }
}

class ListStreams implements LogCommand {
  readonly #target: Target;
  readonly #options: StreamsOptions;

  constructor(target: Target, options: StreamsOptions) {
    this.#target = target;
    this.#options = options;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const expected = model.streams(this.#options);

    const streams = real.reader(this.#target).streams(this.#options);

    await expectPages(streams, expected, real);
  }

  toString(): string {
    return `${this.#target}.streams(${fc.stringify(this.#options)})`;
  }
}

/** The subscription gives what it has not given yet. */
class Follow implements LogCommand {
  check(model: ModelLog): boolean {
    return model.head > 0;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const expected: ModelEvent[] = model.events.slice(real.livePosition);

    const events = await real.live(expected.length);

    expectSame(events, expected);
  }

  toString(): string {
    return 'follow()';
  }
}

class Reopen implements LogCommand {
  readonly #how: 'close' | 'crash' | 'rebuild';

  constructor(how: 'close' | 'crash' | 'rebuild') {
    this.#how = how;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    await real.release(this.#how === 'crash' ? 'crash' : 'close');
    if (this.#how === 'rebuild') await real.rebuildIndex();
    await real.open();

    expectSame(real.bus.head, model.head);
  }

  toString(): string {
    return this.#how;
  }
}

class Tick implements LogCommand {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check(): boolean {
    return true;
  }

  async run(_model: ModelLog, real: RealLog): Promise<void> {
    real.clockMs += this.#ms;
  }

  toString(): string {
    return `tick(${this.#ms})`;
  }
}

class Verify implements LogCommand {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, real: RealLog): Promise<void> {
    const report = await real.reader(this.#target).verify();

    expectSame(report.problems, []);
    expectSame([report.ok, report.head, report.events], [true, model.head, model.head]);
    expectSame([report.commits, report.streams], [model.commitCount, model.streams({}).length]);
  }

  toString(): string {
    return `${this.#target}.verify()`;
  }
}

function resolvePlan(plan: CallPlan, model: LogModel): ModelAppend {
  const parts = plan.parts.map(({ stream: name, events, expectation: wanted }) => {
    const expectedVersion: ExpectedVersion =
      typeof wanted === 'object' ? Math.max(0, model.versionOf(name) + wanted.offset) : wanted;
    return { stream: name, events, expectedVersion };
  });
  return { parts, idempotencyKey: plan.idempotencyKey };
}

function altered(call: ModelAppend): ModelAppend {
  const [first, ...others] = call.parts;
  const events = first?.events.map((event) => ({ ...event, data: 'altered' })) as NewEvent[];
  return { ...call, parts: [{ ...(first as ModelAppend['parts'][number]), events }, ...others] };
}

/** One part goes through `append`, several through `appendMany`; a single event is given bare. */
async function send(bus: Bus, { parts, idempotencyKey }: ModelAppend): Promise<AppendResult[]> {
  const options = idempotencyKey === undefined ? {} : { idempotencyKey };
  const [first] = parts;
  if (parts.length !== 1 || first === undefined) return bus.appendMany(parts, options);
  const { stream: name, events, expectedVersion } = first;
  const given = events.length === 1 ? (events[0] as NewEvent) : events;
  return [await bus.append(name, given, { ...options, expectedVersion })];
}

async function outcomeOf(sent: Promise<AppendResult[]>): Promise<ModelOutcome> {
  try {
    return { results: await sent };
  } catch (error) {
    const { code, detail } = error as BusError;
    if (code === undefined) throw error;
    return { code, detail };
  }
}

async function expectPages<Item>(read: Pages<Item>, expected: readonly Item[], real: RealLog): Promise<void> {
  const pages = await collect(read.pages());
  for (const page of pages) {
    expect(page.length).toBeGreaterThan(0);
    expect(page.length).toBeLessThanOrEqual(real.pageItemsMax);
  }
  expectSame(pages.flat(), expected);
  expectSame(await collect(read), expected);
}

/** `expect` explains a difference well but finds it slowly. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) {
    expect(actual).toStrictEqual(expected);
    expect.fail('node:util finds a difference that vitest does not');
  }
}
