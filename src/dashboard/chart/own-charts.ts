/**
 * The charts of our own machines, laid out when the package was built (scripts/build-charts.ts): these need no elkjs.
 */
import { readFile } from 'node:fs/promises';
import type { Chart } from '../wire.ts';

export const ownChartNames = ['processor', 'bus', 'supervisor'] as const;
export type OwnChartName = (typeof ownChartNames)[number];

/** Where the build puts them. */
export function ownChartFile(name: OwnChartName): URL {
  return new URL(`../assets/charts/${name}.json`, import.meta.url);
}

/** @throws when the package was not built: `npm run page` does it */
export async function ownChart(name: OwnChartName): Promise<Chart> {
  return JSON.parse(await readFile(ownChartFile(name), 'utf8')) as Chart;
}
