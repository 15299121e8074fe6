/**
 * All that a dashboard shows, put together on one source: what its topics are made of.
 */
import type { ActorImage } from '../../actors/bus-status.ts';
import { ConsumerPlaces } from './consumer-places.ts';
import type { LetIn } from './guard.ts';
import type { TopicContent, TopicEntries } from './live-topic.ts';
import type { Machines } from './machines.ts';
import type { ResolvedDashboardOptions } from './options.ts';
import { ProcessorViews } from './processor-views.ts';
import type { Redaction } from './redaction.ts';
import { Sampler } from './sampler.ts';
import type { Source } from './source.ts';
import { StoreView } from './store-view.ts';
import { TailView } from './tail-view.ts';
import type { ActionName, ActorRow } from './wire.ts';

export interface ViewOptions extends Pick<ResolvedDashboardOptions, 'title'> {
  readonly machines: Machines;
  readonly redaction: Redaction;
  readonly actions: readonly ActionName[];
  /** Whether somebody looks. Otherwise the user's machines are left alone. */
  readonly isSeen: () => boolean;
  /** Told when something may have changed that nobody else tells of. */
  readonly onDue: () => void;
}

export class Views {
  readonly #source: Source;
  readonly #sampler: Sampler;
  readonly #machines: Machines;
  readonly #store: StoreView;
  readonly #places: ConsumerPlaces;
  readonly #processors: ProcessorViews;
  readonly #tail: TailView;

  constructor(source: Source, { title, actions, machines, redaction, isSeen, onDue }: ViewOptions) {
    const sampler = new Sampler(source, () => (isSeen() ? machines.actors() : []), onDue);
    this.#machines = machines;
    this.#source = source;
    this.#sampler = sampler;
    this.#store = new StoreView({ source, sampler, title, actions, machines: machines.ids });
    this.#places = new ConsumerPlaces(source.bus, onDue);
    this.#processors = new ProcessorViews(source, this.#places, sampler, redaction);
    this.#tail = new TailView(source.bus, onDue);
  }

  /** What the topic of a name shows; `undefined` if there is none. One of a processor is there before the processor is. */
  topic(name: string, access: LetIn): TopicContent | undefined {
    switch (name) {
      case 'store':
        return () => Object.entries(this.#store.topic(access));
      case 'processors':
        return () => this.#processors.processors();
      case 'projections':
        return () => this.#processors.projections();
      case 'actors':
        return () => this.#actors();
      case 'machines':
        return () => this.#machines.images().map((image) => [image.id, image]);
      case 'tail':
        return () => this.#tail.entries();
      default:
        return this.#topicOfOne(name);
    }
  }

  close(): void {
    this.#sampler.close();
    this.#places.close();
    this.#tail.close();
  }

  #topicOfOne(name: string): TopicContent | undefined {
    const at = name.indexOf(':');
    const [kind, of] = [name.slice(0, at), name.slice(at + 1)];
    if (at === -1 || of === '') return undefined;
    if (kind === 'processor') return () => this.#processors.processor(of);
    if (kind === 'machine' && this.#machines.ids.includes(of)) return () => this.#machine(of);
    return undefined;
  }

  #machine(id: string): TopicEntries {
    return Object.entries({ image: this.#machines.image(id), changes: this.#machines.changes(id) });
  }

  #actors(): TopicEntries {
    const images: readonly ActorImage[] = [...(this.#source.status()?.actors ?? []), ...this.#machines.actors()];
    return images.map((image) => [
      image.id,
      { ...image, rate: this.#sampler.messageRate(image.id) } satisfies ActorRow,
    ]);
  }
}
