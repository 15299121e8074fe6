/**
 * Events as people read them: a line of where, what and when, then data and metadata as `util.inspect` shows them.
 */
import { inspect, styleText } from 'node:util';
import type { StoredEvent } from '../types.ts';
import type { OutputStream } from './output.ts';

export interface TextOptions {
  readonly colors: boolean;
  /** Columns to fit into. */
  readonly width: number;
}

/** Long arrays and strings are shortened, which `inspect` says: `--json` has all of them. */
const itemsMax = 100;
const stringLengthMax = 2_000;
const indent = '  ';

/** What `stream` can show. */
export function textOptionsOf(stream: OutputStream): TextOptions {
  if (stream.isTTY !== true) return { colors: false, width: 120 };
  return { colors: stream.hasColors?.() ?? false, width: Math.max(40, stream.columns ?? 80) };
}

export function eventText(event: StoredEvent, options: TextOptions): string {
  const { position, stream, version, type, timeMs, id } = event;
  const paint = (format: 'bold' | 'cyan' | 'dim', text: string) =>
    options.colors ? styleText(format, text, { validateStream: false }) : text;
  const place = paint('cyan', `${stream}@${version}`);
  const times = paint('dim', `${new Date(timeMs).toISOString()}  ${id}`);
  const mark = event.erased === true ? `  ${paint('dim', '(erased)')}` : '';
  const lines = [`${position}  ${place}  ${paint('bold', type)}${mark}  ${times}`, ...payloadLines(event, options)];
  return `${lines.join('\n')}\n`;
}

/** What an event holds, if it holds anything: pieces of text that begin on lines of their own, indented. */
export function payloadLines(
  { data, metadata }: Pick<StoredEvent, 'data' | 'metadata'>,
  options: TextOptions,
): readonly string[] {
  const lines: string[] = [];
  if (data !== undefined) lines.push(indented(inspectValue(data, options)));
  if (metadata !== undefined) lines.push(indented(`metadata ${inspectValue(metadata, options)}`));
  return lines;
}

function inspectValue(value: unknown, { colors, width }: TextOptions): string {
  return inspect(value, {
    colors,
    depth: null,
    maxArrayLength: itemsMax,
    maxStringLength: stringLengthMax,
    breakLength: width - indent.length,
  });
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, indent);
}
