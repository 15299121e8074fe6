/**
 * The topics about processors and projections: those that run in the app that writes, and those that the store has a cursor of.
 * Their errors leave the server as they may be shown only.
 */
import type { BusStatus, FailureImage, LaneImage, ProcessorImage } from '../../actors/bus-status.ts';
import type { ProcessorStatus } from '../../actors/processor-status.ts';
import type { ConsumerPlaces, StoredConsumer } from './consumer-places.ts';
import type { TopicEntries } from './live-topic.ts';
import type { Redaction } from './redaction.ts';
import type { Sampler } from './sampler.ts';
import type { Source } from './source.ts';
import type { ProcessorRow, ProjectionRow } from './wire.ts';

/** Changes that are shown of all lanes of a processor. */
const changesMax = 200;
/** Failures; each has a stack. */
const failuresMax = 50;

export class ProcessorViews {
  readonly #source: Source;
  readonly #places: ConsumerPlaces;
  readonly #sampler: Sampler;
  readonly #redaction: Redaction;
  readonly #entriesOf = new WeakMap<ProcessorImage, TopicEntries>();

  constructor(source: Source, places: ConsumerPlaces, sampler: Sampler, redaction: Redaction) {
    this.#source = source;
    this.#places = places;
    this.#sampler = sampler;
    this.#redaction = redaction;
  }

  /** Topic `processors`. */
  processors(): TopicEntries {
    const { running, places } = this.#all();
    const rows = new Map<string, ProcessorRow>();
    for (const image of running) rows.set(image.name, this.#row(image, places.get(image.name)));
    for (const [name, place] of places) if (!rows.has(name)) rows.set(name, absentRow(place));
    return rows;
  }

  /** Topic `projections`. */
  projections(): TopicEntries {
    const { running, places, head } = this.#all();
    const rows = new Map<string, ProjectionRow>();
    for (const image of running) {
      const row = projectionRow(image, head);
      if (row !== undefined) rows.set(image.name, row);
    }
    for (const [name, place] of places) {
      if (place.kind === 'projection' && !rows.has(name)) rows.set(name, absentProjection(place, head));
    }
    return rows;
  }

  /** Topic `processor:<name>`; of one that does not run only its row, as far as there is one. */
  processor(name: string): TopicEntries {
    const { running, places } = this.#all();
    const image = running.find((one) => one.name === name);
    const place = places.get(name);
    if (image === undefined) return place === undefined ? [] : [['row', absentRow(place)]];
    const entries = this.#entriesOf.get(image) ?? this.#entries(image);
    this.#entriesOf.set(image, entries);
    return [...entries, ['row', this.#row(image, place)]];
  }

  #all(): {
    readonly running: readonly ProcessorImage[];
    readonly places: ReadonlyMap<string, StoredConsumer>;
    readonly head: number;
  } {
    const status = this.#source.status();
    const running = status?.processors ?? [];
    return { running, places: this.#places.get(letterMark(status)), head: this.#source.bus.head };
  }

  #row({ name, kind, status, lanes }: ProcessorImage, place: StoredConsumer | undefined): ProcessorRow {
    const { context } = status;
    return {
      name,
      kind,
      state: status.state,
      tags: status.tags,
      position: context.position,
      lag: context.lag,
      rate: this.#sampler.handledRate(name),
      handled: context.handled,
      attempts: context.attempts,
      sinceMs: context.since,
      ...(context.nextRetryAt !== undefined && { nextRetryAt: context.nextRetryAt }),
      ...(context.lastError && { lastError: this.#redaction.ofError(context.lastError, name) }),
      partitions: status.partitions === undefined ? 0 : lanes.length,
      deadLetters: place?.deadLetters ?? 0,
      parked: place?.parked ?? 0,
    };
  }

  #entries({ lanes, ...image }: ProcessorImage): TopicEntries {
    const { name, status } = image;
    const entries = new Map<string, unknown>([['image', { ...image, status: this.#status(status, name) }]]);
    for (const [index, { changes: _, failures: __, ...lane }] of lanes.entries()) entries.set(`lane:${index}`, lane);
    entries.set(
      'changes',
      newestFirst(lanes, ({ changes }) => changes, changesMax),
    );
    const failuresOf = ({ failures }: LaneImage) => failures.map((failure) => this.#failure(failure, name));
    entries.set('failures', newestFirst(lanes, failuresOf, failuresMax));
    return entries;
  }

  /** With its errors as they may be shown. */
  #status(status: ProcessorStatus, processor: string): ProcessorStatus {
    const { context, partitions } = status;
    const { lastError } = context;
    return {
      ...status,
      ...(lastError && { context: { ...context, lastError: this.#redaction.ofError(lastError, processor) } }),
      ...(partitions && { partitions: partitions.map((partition) => this.#status(partition, processor)) }),
    };
  }

  #failure(failure: FailureImage, processor: string): FailureImage {
    const { atMs, phase, attempt, event } = failure;
    return { atMs, phase, attempt, ...this.#redaction.ofError(failure, processor), ...(event && { event }) };
  }
}

/** Another number when letters may have come or gone, as far as those tell that run. */
function letterMark(status: BusStatus | undefined): number {
  let mark = 0;
  for (const { status: one } of status?.processors ?? []) {
    const { deadLettered, parked, replayed, generation } = one.context;
    mark += 1 + deadLettered + parked + replayed + generation;
  }
  return mark;
}

function absentRow({ name, kind, position, lag, updatedMs, ...place }: StoredConsumer): ProcessorRow {
  const { deadLetters, parked, partitions } = place;
  const numbers = { rate: 0, handled: 0, attempts: 0, sinceMs: updatedMs, partitions: partitions?.length ?? 0 };
  return { name, kind, state: 'absent', tags: ['resting'], position, lag, ...numbers, deadLetters, parked };
}

function projectionRow({ name, status, build }: ProcessorImage, head: number): ProjectionRow | undefined {
  if (build === undefined) return undefined;
  const { activeVersion, activePosition, isBuilding, version } = build;
  const { position } = status.context;
  return {
    name,
    state: status.state,
    ...(activeVersion !== undefined && { version: activeVersion }),
    position: activePosition,
    lag: Math.max(0, head - activePosition),
    ...(isBuilding && { building: { version, position, head } }),
  };
}

function absentProjection({ name, version, position, lag, building }: StoredConsumer, head: number): ProjectionRow {
  return {
    name,
    state: 'absent',
    ...(version !== undefined && { version }),
    position,
    lag,
    ...(building !== undefined && { building: { position: building.position, head } }),
  };
}

function newestFirst<Item extends { readonly atMs: number }>(
  lanes: readonly LaneImage[],
  itemsOf: (lane: LaneImage) => readonly Item[],
  most: number,
): readonly (Item & { readonly lane: number })[] {
  return (
    lanes
      .flatMap((image, lane) => itemsOf(image).map((item) => ({ ...item, lane })))
      // Several of one lane may be of one millisecond.
      .reverse()
      .sort((one, other) => other.atMs - one.atMs)
      .slice(0, most)
  );
}
