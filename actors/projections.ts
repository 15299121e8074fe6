/**
 * The projections of a bus: makes each of its processor, recorder and reader, and knows those that are not closed.
 */
import type { EventShape } from '../src/types.ts';
import type { Handler } from './processor-options.ts';
import type { Processors } from './processors.ts';
import { Projection } from './projection.ts';
import { type ProjectionOptions, resolveProjection } from './projection-options.ts';
import { type ProjectionSource, StoredProjection } from './projection-reader.ts';
import { ProjectionRecorder } from './projection-recorder.ts';
import { ProjectionSweep } from './projection-sweep.ts';
import { type ProjectionStore, ProjectionWork } from './projection-work.ts';

export class Projections {
  readonly #processors: Processors;
  readonly #store: ProjectionStore;
  readonly #source: ProjectionSource;
  readonly #projectionByName = new Map<string, Projection>();

  constructor(processors: Processors, store: ProjectionStore, source: ProjectionSource) {
    this.#processors = processors;
    this.#store = store;
    this.#source = source;
  }

  /** Those that are not closed, in the order they were created. */
  get list(): readonly Projection[] {
    return [...this.#projectionByName.values()];
  }

  /** A projection that is not started yet. @throws {TypeError} for options out of range. @throws {PROCESSOR_NAME_TAKEN} */
  create<Events extends EventShape, Value>(options: ProjectionOptions<Events, Value>): Projection<Value> {
    const { version, calls, processor: resolved } = resolveProjection(options);
    const { name } = resolved;
    const { engine, processors: processorStore } = this.#store;
    const sweep = new ProjectionSweep(name, this.#store);
    const work = new ProjectionWork(name, version, this.#store, {
      onOpened: (entries) => {
        recorder.open(entries);
        sweep.start();
      },
      onMoved: (isOther) => {
        recorder.saved();
        if (isOther) sweep.start();
      },
    });
    const isDue = (position: number, isDirty: boolean) => work.isDue(position, isDirty);
    const recorder = new ProjectionRecorder({ name, engine, calls, isDue });
    const handler = { kind: 'each', call: (event) => recorder.call(event), recorder } as const satisfies Handler;
    const { moves } = this.#processors.names;
    const projection = new Projection<Value>({
      version,
      processor: this.#processors.createHidden({ ...resolved, handler, partitions: 0 }, work.store),
      reader: new StoredProjection<Value>(name, this.#source),
      sweep,
      isBuilding: () => work.isBuilding,
      build: () => work.build,
      head: () => processorStore.head(),
      beginBuild: () => moves.take(name, () => work.beginBuild()),
      release: () => this.#projectionByName.delete(name),
    });
    this.#projectionByName.set(name, projection as Projection);
    return projection;
  }

  /** Closes all, side by side. Never rejects. */
  async close(): Promise<void> {
    await Promise.allSettled(this.list.map((projection) => projection.close()));
  }
}
