/**
 * One processor or projection as those see it who look at its bus: nothing is made anew until something of it has changed.
 */
import { ProcessorActors } from './bus-actors.ts';
import type { ActorImage, CommitCounts, ProcessorImage } from './bus-status.ts';
import { Derived } from './derived.ts';
import type { ProcessorStatus } from './processor-status.ts';
import type { Owned } from './processors.ts';
import type { Projection, ProjectionStatus } from './projection.ts';

/** What is seen of a processor. */
export interface SeenProcessor {
  readonly image: ProcessorImage;
  readonly actors: readonly ActorImage[];
}

export class ProcessorLook {
  readonly #owned: Owned;
  /** Where it is the processor of one. */
  readonly #projection: Projection | undefined;
  readonly #lanes = new Derived<ProcessorImage['lanes']>();
  readonly #projected = new Derived<ProjectionStatus | undefined>();
  readonly #build = new Derived<ProcessorImage['build']>();
  readonly #image = new Derived<ProcessorImage>();
  readonly #actors: ProcessorActors;
  #last: SeenProcessor | undefined;

  constructor(owned: Owned, projection: Projection | undefined) {
    this.#owned = owned;
    this.#projection = projection;
    this.#actors = new ProcessorActors(owned.processor);
  }

  /** As it was looked at last, if it was. */
  get last(): SeenProcessor | undefined {
    return this.#last;
  }

  /** `commits`: another object after each commit. */
  now(commits: CommitCounts): SeenProcessor {
    const image = this.#imageNow(commits);
    this.#last = { image, actors: this.#actors.rows(image.status) };
    return this.#last;
  }

  #imageNow(commits: CommitCounts): ProcessorImage {
    const { processor, wants } = this.#owned;
    const { name, status } = processor;
    const images = processor.looks.map((look) => look.image);
    const lanes = this.#lanes.of(images, () => images);
    const build = this.#buildImage(status, commits);
    return this.#image.of([status, lanes, build], () => ({
      name,
      kind: this.#projection === undefined ? 'processor' : 'projection',
      status,
      lanes,
      wants,
      ...(build !== undefined && { build }),
    }));
  }

  /** What is read is looked up only when something was committed. */
  #buildImage(status: ProcessorStatus, commits: CommitCounts): ProcessorImage['build'] {
    const projected = this.#projected.of([status, commits], () => this.#projection?.status);
    if (projected === undefined) return undefined;
    const { version, active, isBuilding } = projected;
    return this.#build.of([version, active.version, active.position, isBuilding], () => ({
      version,
      ...(active.version !== undefined && { activeVersion: active.version }),
      activePosition: active.position,
      isBuilding,
    }));
  }
}
