/**
 * The projections of a bus: makes each of its processor, recorder and reader, and knows those that are not closed.
 */
import type { CountedErasure } from '../src/log/erasure-counts.ts';
import { streamFilter } from '../src/log/event-filter.ts';
import type { EventShape } from '../src/types.ts';
import type { Handler } from './processor-options.ts';
import type { Processors } from './processors.ts';
import { Projection } from './projection.ts';
import { ProjectionBreaks } from './projection-breaks.ts';
import { ProjectionErasure } from './projection-erasure.ts';
import { type ErasedPart, type ProjectionOptions, resolveProjection } from './projection-options.ts';
import { type ProjectionSource, StoredProjection } from './projection-reader.ts';
import { ProjectionRecorder } from './projection-recorder.ts';
import { ProjectionSweep } from './projection-sweep.ts';
import { type ProjectionStore, ProjectionWork } from './projection-work.ts';

export class Projections {
  readonly #processors: Processors;
  readonly #store: ProjectionStore;
  readonly #source: ProjectionSource;
  readonly #projectionByName = new Map<string, Projection>();
  readonly #erasureByName = new Map<string, ProjectionErasure>();

  constructor(processors: Processors, store: ProjectionStore, source: ProjectionSource) {
    this.#processors = processors;
    this.#store = store;
    this.#source = source;
  }

  /** Those that are not closed, in the order they were created. */
  get list(): readonly Projection[] {
    return [...this.#projectionByName.values()];
  }

  /** The one of this name that is not closed. */
  get(name: string): Projection | undefined {
    return this.#projectionByName.get(name);
  }

  /** The same, as an erasure meets them. */
  get erasures(): readonly ProjectionErasure[] {
    return [...this.#erasureByName.values()];
  }

  /** A projection that is not started yet. @throws {TypeError} for options out of range. @throws {PROCESSOR_NAME_TAKEN} */
  create<Events extends EventShape, Value>(options: ProjectionOptions<Events, Value>): Projection<Value> {
    const { version, isSealed, calls, onErased, processor: resolved } = resolveProjection(options);
    const { name } = resolved;
    const isConcerned = streamFilter(resolved.filter);
    const kind = { name, version, isSealed, isConcerned, canCorrect: onErased !== undefined };
    const { engine, processors: processorStore } = this.#store;
    const sweep = new ProjectionSweep(name, this.#store);
    const breaks = new ProjectionBreaks();
    const work: ProjectionWork = new ProjectionWork(kind, this.#store, {
      onOpened: (entries) => {
        recorder.open(entries);
        sweep.start();
      },
      onErased: (erased) => (onErased === undefined ? [] : recorder.corrected(onErased, erased.map(erasedPart))),
      onMoved: (isOther) => {
        recorder.saved();
        if (isOther) sweep.start();
      },
    });
    const isDue = (position: number, isDirty: boolean): boolean => work.isDue(position, isDirty);
    const recorder = new ProjectionRecorder({ name, engine, calls, isDue });
    const handler = { kind: 'each', call: (event) => recorder.call(event), recorder } as const satisfies Handler;
    const { moves } = this.#processors.names;
    const processor = this.#processors.createHidden({ ...resolved, handler, partitions: 0 }, work.store);
    const reader = new StoredProjection<Value>(name, this.#source);
    const projection = new Projection<Value>({
      version,
      processor,
      reader,
      sweep,
      breaks,
      isBuilding: () => work.isBuilding,
      build: () => work.build,
      head: () => processorStore.head(),
      beginBuild: () => moves.take(name, () => work.beginBuild()),
      release: () => {
        this.#projectionByName.delete(name);
        this.#erasureByName.delete(name);
      },
    });
    this.#projectionByName.set(name, projection as Projection);
    const isToRun = () => projection.isToRun;
    this.#erasureByName.set(name, new ProjectionErasure(kind, { processor, reader, sweep, breaks, isToRun }));
    return projection;
  }

  /** Closes all, side by side. Never rejects. */
  async close(): Promise<void> {
    await Promise.allSettled(this.list.map((projection) => projection.close()));
  }
}

function erasedPart({ stream, firstPosition = 0, events }: CountedErasure): ErasedPart {
  return stream === undefined ? { firstPosition, events } : { stream, firstPosition, events };
}
