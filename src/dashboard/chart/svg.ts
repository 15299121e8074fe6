/**
 * Charts as SVG files: they stand alone, with their colours for light and dark; nothing in them runs or is fetched, and no name of
 * a state or an event can become markup.
 */
import type { AnyStateMachine } from 'xstate';
import { wrong } from '../../../actors/option-checks.ts';
import { refuseUnknownNames } from '../../option-names.ts';
import type { Chart } from '../wire.ts';
import { definedGraph } from './definition.ts';
import { type ChartState, drawing, type Shape } from './drawing.ts';
import { layoutChart } from './layout.ts';
import { type ChartColors, chartRules, colorRules } from './style.ts';

export interface SvgOptions {
  /** Paths of the states to be shown as active: `['live', 'live.working']`. @default none */
  readonly active?: readonly string[];
  /** `'auto'`: as whoever looks at it prefers. @default 'auto' */
  readonly colors?: ChartColors;
  /** Ends the wait for the layout. */
  readonly signal?: AbortSignal;
}

/**
 * The chart of a machine of XState 5 as the text of an SVG file. Needs the package elkjs.
 * @throws {TypeError} for what is no machine, and for options out of range
 * @throws {BusError} CHART_TOO_LARGE; UNSUPPORTED when elkjs is not installed, or can't lay it out
 */
export async function toSvg(machine: AnyStateMachine, options: SvgOptions = {}): Promise<string> {
  refuseUnknownNames('toSvg', options, ['active', 'colors', 'signal']);
  const { active = [], colors = 'auto', signal } = options;
  if (!Array.isArray(active) || active.some((path) => typeof path !== 'string')) {
    throw wrong('active', 'an array of paths of states', active);
  }
  if (!['auto', 'light', 'dark'].includes(colors)) throw wrong('colors', "'auto', 'light' or 'dark'", colors);
  return svgFile(await layoutChart(definedGraph(machine), { signal }), { active }, colors);
}

/** The text of an SVG file. */
export function svgFile(chart: Chart, state: ChartState = {}, colors: ChartColors = 'auto'): string {
  const [tag, attributes, children] = drawing(chart, state);
  const style: Shape = ['style', {}, [colorRules(colors) + chartRules]];
  return `${textOf([tag, { xmlns: 'http://www.w3.org/2000/svg', ...attributes }, [style, ...children]])}\n`;
}

function textOf([tag, attributes, children]: Shape): string {
  const given = Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(String(value))}"`);
  const inside = children.map((child) => (typeof child === 'string' ? escaped(child) : textOf(child)));
  return `<${tag}${given.join('')}>${inside.join('')}</${tag}>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Without the characters that XML can't have at all. */
function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is not wanted
  const lasting = text.toWellFormed().replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
  return lasting.replaceAll(/[&<>"]/g, (letter) => entities[letter] as string);
}
