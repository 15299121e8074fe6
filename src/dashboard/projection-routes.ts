/**
 * The entries of a projection, as the page lists them.
 */
import type { Bus } from '../../actors/bus.ts';
import {
  dashboardRowsMax,
  dashboardSearchMaxMs,
  dashboardTextCharactersMax,
  dashboardValueCharactersMax,
  projectionKeyBytesMax,
} from '../limits.ts';
import { jsonText } from './json-text.ts';
import { consumerOf, limitIn, textIn } from './query.ts';
import type { Redaction } from './redaction.ts';
import { badRequest, Refusal } from './refusal.ts';
import type { EntriesPage } from './wire.ts';

const rowsUsual = 50;

/** In the order of their keys, from `from` on. A page of large values is shorter. @throws {Refusal} also where
 * events are redacted and entries are not {PROJECTION_SWITCHED} */
export async function entriesPage(
  { bus, redaction }: { readonly bus: Bus; readonly redaction: Redaction },
  name: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<EntriesPage> {
  consumerOf('projection', name);
  if (redaction.hidesEntries) {
    throw new Refusal(
      403,
      'REDACTED',
      'events are redacted here, and what is made of them with them: see the option redactEntry',
    );
  }
  const limit = limitIn(query, dashboardRowsMax, rowsUsual);
  const charactersMax = limit === 1 ? dashboardTextCharactersMax : dashboardValueCharactersMax;
  const from = textIn(query, 'from');
  if (from !== undefined && Buffer.byteLength(from) > projectionKeyBytesMax) throw badRequest('no key is that long');
  const entries: EntriesPage['entries'][number][] = [];
  const endMs = performance.now() + dashboardSearchMaxMs;
  for await (const { key, value } of bus.view(name).range({ ...(from && { from }), limit: limit + 1, signal })) {
    const isFull = entries.length === limit || (entries.length > 0 && performance.now() >= endMs);
    if (isFull) return { entries, next: key };
    const shown = redaction.ofEntry({ projection: name, key, value }, (given) => jsonText(given, charactersMax));
    entries.push(
      shown === undefined
        ? { key, redacted: true }
        : { key, value: shown.text, ...(shown.isCut && { cut: true as const }) },
    );
  }
  return { entries };
}
