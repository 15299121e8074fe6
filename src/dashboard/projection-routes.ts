/**
 * The entries of a projection, as the page lists them.
 */
import {
  dashboardRowsMax,
  dashboardSearchMaxMs,
  dashboardTextCharactersMax,
  dashboardValueCharactersMax,
  projectionKeyBytesMax,
} from '../limits.ts';
import { checkConsumerName } from '../names.ts';
import { jsonText } from './json-text.ts';
import { limitIn, textIn } from './query.ts';
import { badRequest, notFound } from './refusal.ts';
import type { Source } from './source.ts';
import type { EntriesPage } from './wire.ts';

const rowsUsual = 50;

/** In the order of their keys, from `from` on. A page of large values is shorter. @throws {Refusal} {PROJECTION_SWITCHED} */
export async function entriesPage(
  { bus }: Source,
  name: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<EntriesPage> {
  try {
    checkConsumerName(name);
  } catch {
    throw notFound(`the projection ${JSON.stringify(name)}`);
  }
  const limit = limitIn(query, dashboardRowsMax, rowsUsual);
  const from = textIn(query, 'from');
  if (from !== undefined && Buffer.byteLength(from) > projectionKeyBytesMax) throw badRequest('no key is that long');
  const entries: EntriesPage['entries'][number][] = [];
  const endMs = performance.now() + dashboardSearchMaxMs;
  for await (const { key, value } of bus.view(name).range({ ...(from && { from }), limit: limit + 1, signal })) {
    const isFull = entries.length === limit || (entries.length > 0 && performance.now() >= endMs);
    if (isFull) return { entries, next: key };
    const { text, isCut } = jsonText(value, limit === 1 ? dashboardTextCharactersMax : dashboardValueCharactersMax);
    entries.push({ key, value: text, ...(isCut && { cut: true as const }) });
  }
  return { entries };
}
