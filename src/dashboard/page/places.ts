/** The places that one can go to from everywhere. */
import type { IconName } from './parts/icons.ts';
import type { PageName, Place } from './routes.ts';

export interface MainPlace {
  readonly to: Place;
  readonly title: string;
  readonly icon: IconName;
  /** The pages that belong to it. */
  readonly has: readonly PageName[];
}

const places: readonly MainPlace[] = [
  { to: { page: 'overview' }, title: 'Overview', icon: 'overview', has: ['overview', 'processor'] },
  { to: { page: 'streams' }, title: 'Streams', icon: 'streams', has: ['streams', 'stream', 'event'] },
  { to: { page: 'tail' }, title: 'Tail', icon: 'tail', has: ['tail'] },
  { to: { page: 'dead-letters' }, title: 'Dead letters', icon: 'letters', has: ['dead-letters'] },
  { to: { page: 'projections' }, title: 'Projections', icon: 'projections', has: ['projections', 'projection'] },
  { to: { page: 'actors' }, title: 'Actors', icon: 'actors', has: ['actors'] },
  { to: { page: 'machines' }, title: 'Machines', icon: 'machines', has: ['machines', 'machine'] },
];

/** Those there are, with these machines of the app's own; `undefined` while it is not known. */
export function placesFor(machines: readonly string[] | undefined): readonly MainPlace[] {
  return machines?.length === 0 ? places.filter(({ to }) => to.page !== 'machines') : places;
}
