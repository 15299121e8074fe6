/**
 * What each topic shows, by its name.
 */
import type { ActorImage } from '../../actors/bus-status.ts';
import type { TopicContent, TopicEntries } from './live-topic.ts';
import type { ProcessorViews } from './processor-views.ts';
import type { Sampler } from './sampler.ts';
import type { Source } from './source.ts';
import type { StoreView } from './store-view.ts';
import type { TailView } from './tail-view.ts';
import type { ActorRow } from './wire.ts';

export interface TopicWorld {
  readonly source: Source;
  readonly sampler: Sampler;
  readonly store: StoreView;
  readonly processors: ProcessorViews;
  readonly tail: TailView;
}

/** The topic of a name; `undefined` if there is none. One of a processor is there before the processor is. */
export function topicContent(name: string, world: TopicWorld): TopicContent | undefined {
  const { store, processors, tail } = world;
  switch (name) {
    case 'store':
      return () => Object.entries(store.topic());
    case 'processors':
      return () => processors.processors();
    case 'projections':
      return () => processors.projections();
    case 'actors':
      return () => actors(world);
    case 'tail':
      return () => tail.entries();
    default:
      return contentOfOne(name, world);
  }
}

function contentOfOne(name: string, { processors }: TopicWorld): TopicContent | undefined {
  const at = name.indexOf(':');
  const [kind, of] = [name.slice(0, at), name.slice(at + 1)];
  if (at === -1 || of === '') return undefined;
  if (kind === 'processor') return () => processors.processor(of);
  return undefined;
}

function actors({ source, sampler }: TopicWorld): TopicEntries {
  const images: readonly ActorImage[] = source.status()?.actors ?? [];
  return images.map((image) => [image.id, { ...image, rate: sampler.messageRate(image.id) } satisfies ActorRow]);
}
