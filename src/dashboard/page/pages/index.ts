/** Which component draws which place. */
import type { ComponentType } from 'preact';
import type { PageName, Place } from '../routes.ts';
import { ActorsPage } from './actors.tsx';
import { MachinePage } from './machine.tsx';
import { MachinesPage } from './machines.tsx';
import { OverviewPage } from './overview.tsx';
import { ProcessorPage } from './processor.tsx';
import { UnknownPage } from './unknown.tsx';

// biome-ignore format: one line for each page
export const pages: { readonly [Name in PageName]?: ComponentType<{ place: Extract<Place, { page: Name }> }> } = {
  overview: OverviewPage,
  processor: ProcessorPage,
  actors: ActorsPage,
  machines: MachinesPage,
  machine: MachinePage,
  unknown: UnknownPage,
};
