/**
 * The {@link Inspection} of a bus: puts together what its parts show of themselves. Reads only: whoever looks changes nothing.
 */
import type { EngineUsage } from '../src/storage/engine.ts';
import { ActorTree } from './actor-tree.ts';
import { partsOf } from './bus-actors.ts';
import type { BusCore } from './bus-core.ts';
import type { BusStatus, ProcessorImage } from './bus-status.ts';
import { Derived } from './derived.ts';
import type { Inspection } from './inspection.ts';
import type { OwnedProcessor } from './processor.ts';
import { ProcessorLook } from './processor-image.ts';
import type { Owned } from './processors.ts';

export class BusInspection implements Inspection {
  readonly #core: BusCore;
  readonly #startedMs: number;
  readonly #tree = new ActorTree();
  readonly #lookByProcessor = new WeakMap<OwnedProcessor, ProcessorLook>();
  readonly #processors = new Derived<readonly ProcessorImage[]>();
  /** The last one that could be read. */
  #head = 0;

  constructor(core: BusCore) {
    this.#core = core;
    this.#startedMs = core.now();
  }

  status(only?: ReadonlySet<string>): BusStatus {
    const core = this.#core;
    const { commits, eventsRead } = core.store.counts;
    const seen = core.processors?.all.map((owned) => {
      const look = this.#look(owned);
      const isLookedAt = only === undefined || only.has(owned.processor.name);
      return (isLookedAt ? undefined : look.last) ?? look.now(commits);
    });
    const images = seen?.map(({ image }) => image) ?? [];
    const actors = seen?.flatMap((one) => one.actors) ?? [];
    return {
      atMs: core.now(),
      pid: process.pid,
      startedMs: this.#startedMs,
      state: core.state,
      head: this.#lastHead(),
      commits,
      eventsRead,
      processors: this.#processors.of(images, () => images),
      actors: this.#tree.of([...partsOf(core.state, core.living), ...actors]),
    };
  }

  attach(onChange: (processor: string) => void): () => void {
    return this.#core.processors?.lookers.attach(onChange) ?? (() => undefined);
  }

  hear(onChange: () => void): () => void {
    return this.#core.processors?.lookers.hear(onChange) ?? (() => undefined);
  }

  hearNews(onNews: (processor: string) => void): () => void {
    return this.#core.processors?.lookers.hearNews(onNews) ?? (() => undefined);
  }

  usage(): EngineUsage {
    return this.#core.store.engine.usage();
  }

  report(error: unknown): void {
    this.#core.report(error);
  }

  #look(owned: Owned): ProcessorLook {
    const { processor } = owned;
    const known = this.#lookByProcessor.get(processor);
    if (known !== undefined) return known;
    const projection = this.#core.projections?.get(processor.name);
    const look = new ProcessorLook(owned, projection);
    this.#lookByProcessor.set(processor, look);
    return look;
  }

  #lastHead(): number {
    try {
      this.#head = this.#core.store.head();
    } catch {
      // A closed store has none; it stays as it was last seen.
    }
    return this.#head;
  }
}
