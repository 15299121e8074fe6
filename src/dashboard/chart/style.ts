/**
 * The style sheet of a chart. Colours are custom properties: {@link colorRules} sets them for a file that stands alone, the
 * page has its own.
 */

/** What a chart is coloured for. */
export type ChartColors = 'auto' | 'light' | 'dark';

const light = `
  --chart-paper: #ffffff; --chart-box: #f6f7f9; --chart-inner: #eceff3; --chart-ink: #1c2430; --chart-soft: #566170;
  --chart-line: #8a95a5; --chart-border: #b9c1cc; --chart-active: #1f5fd0; --chart-active-ink: #ffffff; --chart-inside: #eaf1fe;
  --chart-bad: #c02b2b; --chart-bad-ink: #ffffff; --chart-warn: #9a5b00; --chart-warn-ink: #ffffff; --chart-lit: #0b7f4b;
`;
const dark = `
  --chart-paper: #12161d; --chart-box: #1a2029; --chart-inner: #242d39; --chart-ink: #e4e8ee; --chart-soft: #a1acbb;
  --chart-line: #6d7989; --chart-border: #3f4a5a; --chart-active: #6ea2ff; --chart-active-ink: #0b1220; --chart-inside: #182436;
  --chart-bad: #ff7b72; --chart-bad-ink: #220a08; --chart-warn: #f0ab3c; --chart-warn-ink: #241703; --chart-lit: #4cd08b;
`;

/** The custom properties that {@link chartRules} uses. */
export function colorRules(colors: ChartColors): string {
  if (colors !== 'auto') return `.chart {${colors === 'light' ? light : dark}}`;
  return `.chart {${light}} @media (prefers-color-scheme: dark) { .chart {${dark}} }`;
}

export const chartRules = `
.chart { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; background: var(--chart-paper); }
.chart .node text { fill: var(--chart-ink); font-size: 13px; }
.chart .box { fill: var(--chart-inner); stroke: var(--chart-border); stroke-width: 1; }
.chart .compound > .box, .chart .parallel > .box { fill: var(--chart-box); }
.chart .compound > text, .chart .parallel > text { font-weight: 600; }
.chart .above > text { paint-order: stroke; stroke: var(--chart-box); stroke-width: 4px; stroke-linejoin: round; }
.chart .above.inside > text, .chart .above.active > text { stroke: var(--chart-inside); }
.chart .region > .box { stroke-dasharray: 4 4; }
.chart .inner { fill: none; stroke: var(--chart-border); }
.chart .begin { fill: var(--chart-soft); }
.chart .tag-unhealthy > .box { stroke: var(--chart-bad); stroke-width: 1.4; }
.chart .tag-unhealthy.tag-running > .box { stroke: var(--chart-warn); }
.chart .inside > .box { fill: var(--chart-inside); stroke: var(--chart-active); }
.chart .active > .box { fill: var(--chart-active); stroke: var(--chart-active); }
.chart .active > text { fill: var(--chart-active-ink); font-weight: 600; }
.chart .active > .begin { fill: var(--chart-active-ink); }
.chart .active > .inner { stroke: var(--chart-active-ink); }
.chart .compound.active > .box, .chart .parallel.active > .box { fill: var(--chart-inside); }
.chart .compound.active > text, .chart .parallel.active > text { fill: var(--chart-ink); }
.chart .tag-unhealthy.active > .box { fill: var(--chart-bad); stroke: var(--chart-bad); }
.chart .tag-unhealthy.active > text { fill: var(--chart-bad-ink); }
.chart .tag-unhealthy.tag-running.active > .box { fill: var(--chart-warn); stroke: var(--chart-warn); }
.chart .tag-unhealthy.tag-running.active > text { fill: var(--chart-warn-ink); }
.chart .line { fill: none; stroke: var(--chart-line); stroke-width: 1.2; }
.chart .tip { fill: var(--chart-line); }
.chart .event { fill: var(--chart-soft); font-size: 11px; }
.chart .behind { fill: var(--chart-paper); }
.chart .on-box .behind { fill: var(--chart-box); }
.chart .on-inside .behind { fill: var(--chart-inside); }
.chart .failing > .line { stroke-dasharray: 5 3; }
.chart .edge:hover > .line { stroke: var(--chart-ink); stroke-width: 2; }
.chart .edge:hover > .tip { fill: var(--chart-ink); }
.chart .edge:hover .event { fill: var(--chart-ink); }
.chart .open > .line { stroke: var(--chart-active); stroke-width: 1.5; }
.chart .open > .tip { fill: var(--chart-active); }
.chart .open .event { fill: var(--chart-ink); }
.chart .lit > .line { stroke: var(--chart-lit); stroke-width: 2.5; }
.chart .lit > .tip { fill: var(--chart-lit); stroke: var(--chart-lit); }
.chart .lit .event { fill: var(--chart-lit); font-weight: 600; }
`;
