/** Which component draws which place. */
import type { ComponentType } from 'preact';
import type { PageName, Place } from '../routes.ts';
import { OverviewPage } from './overview.tsx';
import { ProcessorPage } from './processor.tsx';
import { UnknownPage } from './unknown.tsx';

// biome-ignore format: one line for each page
export const pages: { readonly [Name in PageName]?: ComponentType<{ place: Extract<Place, { page: Name }> }> } = {
  overview: OverviewPage,
  processor: ProcessorPage,
  unknown: UnknownPage,
};
