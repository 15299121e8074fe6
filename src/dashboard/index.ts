/**
 * varvebus/dashboard: a live page of what a bus does.
 *
 * @packageDocumentation
 */
export { toMermaid } from './chart/mermaid.ts';
export type { ChartColors } from './chart/style.ts';
export { type SvgOptions, toSvg } from './chart/svg.ts';
export { type Dashboard, dashboard } from './dashboard.ts';
export type { Listening } from './listening.ts';
export type {
  Access,
  DashboardError,
  DashboardOptions,
  ErrorTexts,
  ListenOptions,
  ProjectionEntry,
} from './options.ts';
export type { ActionName } from './wire.ts';
