/**
 * One processor or projection as those see it who look at its bus. It is the same object until something of it has changed.
 */
import type { ProcessorImage } from './bus-status.ts';
import { Derived } from './derived.ts';
import type { Owned } from './processors.ts';
import type { Projection } from './projection.ts';

export class ProcessorLook {
  readonly #owned: Owned;
  /** Where it is the processor of one. */
  readonly #projection: Projection | undefined;
  readonly #lanes = new Derived<ProcessorImage['lanes']>();
  readonly #build = new Derived<ProcessorImage['build']>();
  readonly #image = new Derived<ProcessorImage>();

  constructor(owned: Owned, projection: Projection | undefined) {
    this.#owned = owned;
    this.#projection = projection;
  }

  get image(): ProcessorImage {
    const { processor, wants } = this.#owned;
    const { name, status } = processor;
    const images = processor.looks.map((look) => look.image);
    const lanes = this.#lanes.of(images, () => images);
    const build = this.#buildImage();
    return this.#image.of([status, lanes, build], () => ({
      name,
      kind: this.#projection === undefined ? 'processor' : 'projection',
      status,
      lanes,
      wants,
      ...(build !== undefined && { build }),
    }));
  }

  #buildImage(): ProcessorImage['build'] {
    if (this.#projection === undefined) return undefined;
    const { version, active, isBuilding } = this.#projection.status;
    return this.#build.of([version, active.version, active.position, isBuilding], () => ({
      version,
      ...(active.version !== undefined && { activeVersion: active.version }),
      activePosition: active.position,
      isBuilding,
    }));
  }
}
