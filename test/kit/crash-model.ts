/**
 * What a store must hold after its writers were killed, told from their witness and the seeds of their workloads alone.
 *
 * Follows one store through many crashes: each `follow` reads what is new in it and compares it with what was planned,
 * acked, refused and in flight. Everything it finds wrong is thrown as an error that says what and where.
 */
import { strict as assert } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { Bus, StoredEvent } from '#store';
import type { Places, WitnessLine } from './crash-witness.ts';
import {
  type Call,
  callAt,
  callOfId,
  contentHash,
  type PlannedEvent,
  Random,
  type Workload,
} from './crash-workload.ts';

/** A call with an idempotency key whose outcome its writer never told. */
export interface PendingCall {
  readonly workload: Workload;
  readonly call: string;
}

interface FoundCall {
  readonly places: Places;
}

export class CrashModel {
  readonly #workloads = new Map<number, Workload>();
  /** By id, everything found in the log so far. */
  readonly #found = new Map<string, FoundCall>();
  readonly #versions = new Map<string, number>();
  readonly #ids: string[] = [];
  #pending: PendingCall[] = [];
  #timeMs = 0;

  get head(): number {
    return this.#ids.length;
  }

  /** Calls that someone may try again. */
  get pending(): readonly PendingCall[] {
    return this.#pending;
  }

  /** The id of the event at `position`. */
  idAt(position: number): string | undefined {
    return this.#ids[position - 1];
  }

  has(call: string): boolean {
    return this.#found.has(call);
  }

  /** Tells of a writer whose events may be in the store beside those that are followed. */
  register(workload: Workload): void {
    this.#workloads.set(workload.seed, workload);
  }

  /**
   * Checks the store after a writer of `workload` ended and left these witness lines, which tell of this writer only.
   * Afterwards the model knows the store, and `pending` what is still open.
   */
  async follow(bus: Bus, workload: Workload, lines: readonly WitnessLine[]): Promise<void> {
    this.register(workload);
    await this.#readNew(bus);
    assert.equal(bus.head, this.head, 'the head is the last position');
    this.#compare(lines);
    this.#checkPrefix(workload, lines);
    await this.#checkStreams(bus, workload.seed);
    await checkWhole(bus, this.head);
  }

  /** Tries again what is pending, on a bus that may write: each must end up in the log exactly once. */
  async retryPending(bus: Bus): Promise<void> {
    const lines: WitnessLine[] = [];
    for (const { workload: own, call: id } of this.#pending) {
      const call = callAt(own, callOfId(id).index);
      const idempotencyKey = call.idempotencyKey as string;
      const results = await bus.appendMany(call.parts, { idempotencyKey });
      for (const { duplicate } of results)
        assert.equal(duplicate, this.has(id), `${id} is a duplicate if it was stored`);
      const places: Places = results.map((result) => [
        result.stream,
        result.firstVersion,
        result.lastVersion,
        result.firstPosition,
        result.lastPosition,
      ]);
      lines.push({ kind: 'acked', call: id, hash: hashOf(call), places, duplicate: this.has(id) });
    }
    await this.#readNew(bus);
    this.#compare(lines);
    await checkWhole(bus, this.head);
  }

  /** Reads what is behind the events known, gapless and commit by commit. */
  async #readNew(bus: Bus): Promise<void> {
    let open: StoredEvent[] = [];
    for await (const page of bus.read({ from: this.head + 1 }).pages()) {
      for (const event of page) {
        const { position, stream, version, timeMs, id } = event;
        const { call, n, of } = event.metadata as PlannedEvent['metadata'];
        const before = this.#versions.get(stream) ?? 0;
        ensure(position === this.head + 1, () => `position ${position} comes after ${this.head}`);
        ensure(version === before + 1, () => `version ${version} of ${stream} comes after ${before}, at ${position}`);
        ensure(timeMs >= this.#timeMs, () => `the time goes back at ${position}`);
        this.#versions.set(stream, version);
        this.#timeMs = timeMs;
        this.#ids.push(id);
        open.push(event);
        const first = open[0] as StoredEvent;
        ensure(
          n === open.length - 1 && (first.metadata as PlannedEvent['metadata']).call === call,
          () =>
            `the commit at ${first.position} is torn: behind ${open.length - 1} of its events comes ${n} of ${call}`,
        );
        if (open.length < of) continue;
        this.#addCall(call, open);
        open = [];
      }
    }
    ensure(open.length === 0, () => `the last commit, at ${open[0]?.position}, is torn`);
  }

  #addCall(id: string, events: readonly StoredEvent[]): void {
    const { seed, index } = callOfId(id);
    const workload = this.#workloads.get(seed);
    assert.ok(workload !== undefined, `${id} is of a known writer`);
    const call = callAt(workload, index);
    assert.ok(!call.isRefused, `${id} was to be refused, but is at ${events[0]?.position}`);
    assert.ok(
      !this.has(id),
      `${id} is stored twice: at ${this.#found.get(id)?.places[0]?.[3]} and ${events[0]?.position}`,
    );
    let next = 0;
    const places = call.parts.map((part) => {
      const own = events.slice(next, next + part.events.length);
      next += part.events.length;
      for (const [at, planned] of part.events.entries()) checkEvent(own[at], part.stream, planned);
      const [first, last] = [own[0] as StoredEvent, own.at(-1) as StoredEvent];
      return [part.stream, first.version, last.version, first.position, last.position] as const;
    });
    assert.equal(next, events.length, `${id} has as many events as were given`);
    this.#found.set(id, { places });
  }

  /** What was told against what is there. Adds what was left open to `pending`. */
  #compare(lines: readonly WitnessLine[]): void {
    const settled = new Set<string>();
    for (const line of lines) {
      if (line.kind === 'refused') assert.ok(!this.has(line.call), `${line.call} was refused, but is stored`);
      if (line.kind === 'refused' || line.kind === 'acked') settled.add(line.call);
      if (line.kind !== 'acked') continue;
      const found = this.#found.get(line.call);
      assert.ok(found !== undefined, `${line.call} was acked at ${line.places[0]?.[3]}, but is lost`);
      assert.deepEqual(found.places, line.places, `${line.call} is where its ack said`);
      const { seed, index } = callOfId(line.call);
      assert.equal(
        line.hash,
        hashOf(callAt(this.#workloads.get(seed) as Workload, index)),
        `${line.call} follows from its seed`,
      );
    }
    const opened = lines.flatMap((line) => (line.kind === 'started' ? [line.call] : []));
    const candidates = [...this.#pending.map(({ call }) => call), ...opened].filter((call) => !settled.has(call));
    this.#pending = [...new Set(candidates)].flatMap((id) => {
      const { seed, index } = callOfId(id);
      const workload = this.#workloads.get(seed) as Workload;
      const { idempotencyKey, isRefused } = callAt(workload, index);
      return idempotencyKey === undefined || isRefused ? [] : [{ workload, call: id }];
    });
  }

  /** Calls are committed in the order they were made: what is missing is behind all that is there. */
  #checkPrefix(workload: Workload, lines: readonly WitnessLine[]): void {
    let missing: string | undefined;
    for (const line of lines) {
      if (line.kind !== 'started') continue;
      const { seed, index } = callOfId(line.call);
      if (seed !== workload.seed || callAt(workload, index).isRefused) continue;
      if (!this.has(line.call)) missing ??= line.call;
      else assert.equal(missing, undefined, `${line.call} is stored, but ${missing}, made before it, is not`);
    }
  }

  /** Heads and reads of streams, through the index tables and the tail. */
  async #checkStreams(bus: Bus, seed: number): Promise<void> {
    const random = new Random(seed, this.head);
    const names = [...this.#versions.keys()];
    let count = 0;
    for await (const { stream, version } of bus.streams()) {
      assert.equal(version, this.#versions.get(stream), `streams() knows the version of ${stream}`);
      count++;
    }
    assert.equal(count, names.length, 'streams() knows all streams');
    for (let checked = 0; checked < 12 && names.length > 0; checked++) {
      const stream = random.pick(names);
      const version = this.#versions.get(stream) as number;
      assert.equal((await bus.stream(stream))?.version, version, `the head of ${stream}`);
      const from = random.integer(1, version + 1);
      let next = from;
      for await (const event of bus.readStream(stream, { from, limit: 200 })) {
        assert.equal(event.version, next++, `versions of ${stream} follow each other`);
        assert.equal(event.id, this.idAt(event.position), `version ${event.version} of ${stream} is at its position`);
      }
      assert.equal(next, Math.min(version + 1, from + 200), `${stream} can be read to its end`);
    }
  }
}

async function checkWhole(bus: Bus, head: number): Promise<void> {
  const report = await bus.verify();
  assert.deepEqual(report.problems, [], 'verify finds nothing');
  assert.equal(report.ok, true);
  assert.equal(report.events, head, 'verify counts the same events');
}

function checkEvent(event: StoredEvent | undefined, stream: string, planned: PlannedEvent): void {
  const { call, n, of } = planned.metadata;
  const { metadata } = event as StoredEvent;
  const agrees =
    event?.stream === stream &&
    event.type === planned.type &&
    (planned.id === undefined || event.id === planned.id) &&
    metadata?.call === call &&
    metadata.n === n &&
    metadata.of === of &&
    isDeepStrictEqual(event.data, planned.data);
  ensure(agrees, () => `event ${n} of ${call} is not what was given: ${JSON.stringify(event).slice(0, 500)}`);
}

/** As assert.ok; the message is only made when it is needed. */
function ensure(condition: boolean, message: () => string): asserts condition {
  if (!condition) assert.fail(message());
}

function hashOf(call: Call): string {
  return contentHash(call.parts.flatMap(({ events }) => events));
}
