/**
 * Lays out the charts of our own machines and writes them beside the page of the dashboard, so that the built package needs no
 * elkjs for them. Part of `npm run page`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { layoutChart } from '../src/dashboard/chart/layout.ts';
import { ownChartFile, ownChartNames } from '../src/dashboard/chart/own-charts.ts';
import { ownGraphs } from './own-graphs.ts';

/** What a build may take. */
const patienceMs = 60_000;

for (const name of ownChartNames) {
  const chart = await layoutChart(ownGraphs[name](), { patienceMs, msMax: patienceMs });
  const file = ownChartFile(name);
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(chart)}\n`);
  const { nodes, edges, width, height } = chart;
  process.stdout.write(`chart of ${name}: ${nodes.length} states, ${edges.length} edges, ${width} x ${height}\n`);
}
