/**
 * What each topic shows, made of what the source gives.
 */
import type { TopicContent } from './live-topic.ts';
import type { StoreView } from './store-view.ts';

/** The topic of a name; `undefined` if there is none. */
export function topicContent(name: string, { store }: TopicWorld): TopicContent | undefined {
  if (name === 'store') return () => Object.entries(store.topic());
  return undefined;
}

export interface TopicWorld {
  readonly store: StoreView;
}
