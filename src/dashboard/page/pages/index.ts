/** Which component draws which place. */
import type { ComponentType } from 'preact';
import type { PageName, Place } from '../routes.ts';
import { ActorsPage } from './actors.tsx';
import { DeadLettersPage } from './dead-letters.tsx';
import { EventPage } from './event.tsx';
import { LoginPage } from './login.tsx';
import { MachinePage } from './machine.tsx';
import { MachinesPage } from './machines.tsx';
import { OverviewPage } from './overview.tsx';
import { ProcessorPage } from './processor.tsx';
import { ProjectionPage } from './projection.tsx';
import { ProjectionsPage } from './projections.tsx';
import { StreamPage } from './stream.tsx';
import { StreamsPage } from './streams.tsx';
import { TailPage } from './tail.tsx';
import { UnknownPage } from './unknown.tsx';

// biome-ignore format: one line for each page
export const pages: { readonly [Name in PageName]: ComponentType<{ place: Extract<Place, { page: Name }> }> } = {
  overview: OverviewPage,
  processor: ProcessorPage,
  streams: StreamsPage,
  stream: StreamPage,
  event: EventPage,
  tail: TailPage,
  'dead-letters': DeadLettersPage,
  projections: ProjectionsPage,
  projection: ProjectionPage,
  actors: ActorsPage,
  machines: MachinesPage,
  machine: MachinePage,
  login: LoginPage,
  unknown: UnknownPage,
};
