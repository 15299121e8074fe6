/**
 * Aggregates: decisions on the state that a stream folds to, each on the newest state or not at all.
 *
 * A command loads the state, decides, and appends where it has loaded; when somebody else was faster, it does so again. The
 * bus keeps nothing of an aggregate in memory. A snapshot rides along with the append after it became worth it, in the same
 * transaction, so it costs no commit, and is there only if the stream is.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { BusError, isBusError } from '../src/errors.ts';
import { executeRetryMaxMs, executeTurnMaxMs } from '../src/limits.ts';
import type { LogReader } from '../src/log/log-reader.ts';
import { throwIfAborted } from '../src/log/pages.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import { checkIdempotencyKey, checkStreamName } from '../src/names.ts';
import { isThenable } from '../src/thenable.ts';
import type { AppendResult, StoredEvent } from '../src/types.ts';
import {
  checkExecuteOptions,
  type DecideContext,
  type Decision,
  type ExecuteOptions,
  type ResolvedAggregate,
} from './aggregate-options.ts';
import { AggregateSnapshots, type SnapshotWorld } from './aggregate-snapshots.ts';
import type { AppendPath } from './append-path.ts';
import { isPassed } from './erased-events.ts';
import { Turns } from './turns.ts';
import { untilAborted } from './until-aborted.ts';

/** A state, and the version of the stream that it is of. */
export interface Loaded<State> {
  readonly state: State;
  /** 0: there is no such stream. */
  readonly version: number;
}

/** What an `execute` came to: the state behind it, and where its events are. */
export interface Executed<State> extends Loaded<State> {
  /** `undefined`: the decision was to do nothing. `duplicate`: the key was known, and these are the first call's events. */
  readonly appended: AppendResult | undefined;
}

export interface AggregateWorld extends SnapshotWorld {
  readonly reader: LogReader;
  readonly path: AppendPath;
}

interface Folded<State> extends Loaded<State> {
  /** Version of the snapshot it began with; 0 without one. */
  readonly snapshotted: number;
  /** No key that was erased later is behind any of it. */
  readonly keyGeneration: number;
}

export class Aggregate<State, Command> {
  readonly #world: AggregateWorld;
  readonly #options: ResolvedAggregate<State, Command>;
  readonly #snapshots: AggregateSnapshots | undefined;
  readonly #turns = new Turns(executeTurnMaxMs);

  /**
   * Use `bus.aggregate`.
   * @internal
   */
  constructor(world: AggregateWorld, options: ResolvedAggregate<State, Command>) {
    this.#world = world;
    this.#options = options;
    const { name, snapshot, initial } = options;
    if (snapshot === undefined) return;
    this.#snapshots = new AggregateSnapshots(name, snapshot, world);
    this.#snapshots.encoded('(initial)', initial());
  }

  get name(): string {
    return this.#options.name;
  }

  /** The stream of `id`. @throws {STREAM_NAME_INVALID} {TypeError} */
  stream(id: string): string {
    if (typeof id !== 'string' || id === '')
      throw new TypeError(`id must be a text that is not empty, got ${String(id)}`);
    const stream = this.#options.streamOf(id);
    checkStreamName(stream);
    return stream;
  }

  /** The state as of now. @throws {STREAM_NAME_INVALID} {STORE_CORRUPT} {STORE_CLOSED} {ABORTED}, and what `evolve` throws. */
  async load(id: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Loaded<State>> {
    const { state, version } = await this.#load(this.stream(id), signal);
    return { state, version };
  }

  /**
   * Has `decide` decide on `command`, appends what it decided, and resolves when that is durable. Calls of one thread for one
   * id take turns. Decides anew after a conflict, up to `retries` times, after a random wait of at most 64 ms.
   * @throws {CONCURRENCY_CONFLICT} the last one, after as many retries. @throws what `decide` and `evolve` throw, {TypeError}
   * for a state that can't be kept in a snapshot, {IDEMPOTENCY_KEY_REUSED} for a key of another stream, and as `append`.
   */
  async execute(id: string, command: Command, options: ExecuteOptions = {}): Promise<Executed<State>> {
    checkExecuteOptions(options);
    this.#world.path.assertWritable();
    if (options.idempotencyKey !== undefined) checkIdempotencyKey(options.idempotencyKey);
    const leave = await this.#turns.take(this.stream(id), options.signal);
    try {
      return await this.#execute(id, command, options);
    } finally {
      leave();
    }
  }

  async #execute(id: string, command: Command, options: ExecuteOptions): Promise<Executed<State>> {
    const { signal, idempotencyKey: key } = options;
    const stream = this.stream(id);
    for (let attempt = 1; ; attempt++) {
      throwIfAborted(signal);
      const known = key === undefined ? undefined : this.#world.reader.appendOfKey(key);
      const loaded = await this.#load(stream, signal);
      if (known !== undefined) return executed(loaded, ownResult(known, stream, key as string));
      // Before anybody's code gets hold of the state.
      const rows = this.#snapshotRows(stream, loaded);
      const events = await this.#decide(loaded.state, command, {
        id,
        stream,
        version: loaded.version,
        attempt,
        signal,
      });
      if (events === undefined) return executed(loaded, undefined);
      const results = await this.#append(stream, events, loaded.version, rows, options).catch((error: unknown) => {
        if (!isBusError(error, 'CONCURRENCY_CONFLICT') || attempt > this.#options.retries) throw error;
        return undefined;
      });
      if (results !== undefined) return await this.#executed(stream, loaded, ownResult(results, stream, key ?? ''));
      const waitMaxMs = Math.min(executeRetryMaxMs, 2 ** Math.min(attempt - 1, 30));
      await untilAborted(setTimeout(Math.random() * waitMaxMs), signal);
    }
  }

  /** What is written is written: no signal ends this. */
  async #executed(stream: string, loaded: Folded<State>, appended: AppendResult): Promise<Executed<State>> {
    if (appended.duplicate) return executed(await this.#load(stream, undefined), appended);
    return executed(await this.#fold(stream, loaded, appended.lastVersion, undefined), appended);
  }

  async #load(stream: string, signal: AbortSignal | undefined): Promise<Folded<State>> {
    // Before anything of it is read: what is erased behind this look is not to come back with a snapshot.
    const keyGeneration = this.#snapshots?.keyGeneration() ?? 0;
    const versionOf = () => this.#world.reader.streamHead(stream)?.version ?? 0;
    const snapshot = this.#snapshots?.read(stream, versionOf);
    const start: Folded<State> =
      snapshot === undefined
        ? { state: this.#options.initial(), version: 0, snapshotted: 0, keyGeneration }
        : { state: snapshot.state as State, version: snapshot.version, snapshotted: snapshot.version, keyGeneration };
    return await this.#fold(stream, start, versionOf(), signal);
  }

  /** The state at `version`, with the events behind that of `start`. */
  async #fold(
    stream: string,
    start: Folded<State>,
    version: number,
    signal: AbortSignal | undefined,
  ): Promise<Folded<State>> {
    let { state } = start;
    let at = start.version;
    while (at < version) {
      const page = this.#world.reader.stream(stream, at + 1, version, 'forward', Number.POSITIVE_INFINITY);
      for (const event of page) if (!isPassed(event, this.#options.erased)) state = this.#evolved(state, event);
      at += page.length;
      if (at < version) await setImmediate();
      throwIfAborted(signal);
    }
    return { ...start, state, version };
  }

  #evolved(state: State, event: StoredEvent): State {
    const next = this.#options.evolve(state, event);
    if (next !== undefined && !isThenable(next)) return next;
    // What becomes of a promise is not waited for: it must not end the process.
    if (isThenable(next)) next.then(undefined, () => undefined);
    const what = next === undefined ? 'returned undefined' : 'returned a promise';
    throw new TypeError(
      `evolve of ${this.name} ${what} for ${event.type}: return the state, also when changed in place`,
    );
  }

  #snapshotRows(stream: string, { snapshotted, ...folded }: Folded<State>): readonly RowDraft[] {
    const snapshots = this.#snapshots;
    if (snapshots === undefined || folded.version - snapshotted < snapshots.every) return [];
    return snapshots.rows(stream, folded);
  }

  async #decide(state: State, command: Command, context: DecideContext): Promise<(Decision & object) | undefined> {
    const answer = this.#options.decide(state, command, context);
    const decision = isThenable(answer) ? await untilAborted(answer, context.signal) : answer;
    if (decision === undefined || decision === null) return undefined;
    return Array.isArray(decision) && decision.length === 0 ? undefined : decision;
  }

  #append(
    stream: string,
    events: unknown,
    expectedVersion: number,
    rows: readonly RowDraft[],
    options: ExecuteOptions,
  ): Promise<AppendResult[]> {
    const submitted = { ...options, isFirstWins: true, ...(rows.length > 0 && { rows }) };
    return this.#world.path.submit([{ stream, events, expectedVersion }], submitted, (results) => results);
  }
}

function executed<State>({ state, version }: Loaded<State>, appended: AppendResult | undefined): Executed<State> {
  return { state, version, appended };
}

/** What was appended to `stream` under a key. @throws {IDEMPOTENCY_KEY_REUSED} when that was another one's. */
function ownResult(results: readonly AppendResult[], stream: string, key: string): AppendResult {
  const own = results.find((result) => result.stream === stream);
  if (own !== undefined) return own;
  const firstPosition = results[0]?.firstPosition ?? 0;
  throw new BusError(
    'IDEMPOTENCY_KEY_REUSED',
    `the idempotency key ${JSON.stringify(key)} was used for another stream, at position ${firstPosition}`,
    { key, firstPosition },
  );
}
