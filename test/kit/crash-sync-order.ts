/**
 * Whether a traced process acknowledged anything before it was durable: pages, then their sync, then the meta page and its
 * sync, then the ack.
 *
 * The process wrote the line `begin 7` before it called append and `ack 7` when that had resolved.
 */
import type { TracedCall } from './crash-trace.ts';

/** One sentence for each ack that came too early; empty when all is well. There must be `ackCount` acks. */
export function earlyAcks(trace: readonly TracedCall[], ackCount: number): string[] {
  const problems: string[] = [];
  let found = 0;
  for (const ack of trace) {
    const number = /^ack (\d+)\n$/.exec(ack.text)?.[1];
    if (ack.kind !== 'line' || number === undefined) continue;
    found++;
    const begin = trace.find(({ kind, text }) => kind === 'line' && text === `begin ${number}\n`);
    const problem = begin === undefined ? 'it has no beginning' : whyEarly(trace, begin, ack);
    if (problem !== undefined) problems.push(`ack ${number}: ${problem}`);
  }
  if (found !== ackCount) problems.push(`there are ${found} acks instead of ${ackCount}`);
  return problems;
}

function whyEarly(trace: readonly TracedCall[], begin: TracedCall, ack: TracedCall): string | undefined {
  const calls = trace.filter(({ entry, exit, hasFailed }) => entry > begin.exit && exit < ack.entry && !hasFailed);
  const pages = calls.filter(({ kind }) => kind === 'page');
  const meta = calls.findLast(({ kind }) => kind === 'meta');
  if (pages.length === 0) return 'nothing was written before it';
  if (meta === undefined) return 'no meta page was written before it';
  const isLate = trace.some(({ kind, entry, exit }) => kind === 'page' && entry < ack.entry && exit > meta.entry);
  if (isLate) return 'pages were written after the meta page that leads to them';
  const lastPageExit = Math.max(...pages.map(({ exit }) => exit));
  const syncs = calls.filter(({ kind, path }) => kind === 'sync' && path === meta.path);
  if (!syncs.some(({ entry, exit }) => entry > lastPageExit && exit < meta.entry))
    return 'the meta page was written before the pages were synced';
  if (!meta.isDsync && !syncs.some(({ entry }) => entry > meta.exit)) return 'the meta page was not synced before it';
  return undefined;
}

/** One sentence for each meta page, of any commit, that leads to pages which were not synced before it. */
export function unsyncedMetas(trace: readonly TracedCall[]): string[] {
  const problems: string[] = [];
  for (const meta of trace) {
    if (meta.kind !== 'meta' || meta.hasFailed) continue;
    const before = trace.filter(({ path, entry }) => path === meta.path && entry < meta.entry);
    const lastPage = before.findLast(({ kind }) => kind === 'page');
    if (lastPage === undefined) continue;
    const isSynced = before.some(
      ({ kind, entry, exit, hasFailed }) => kind === 'sync' && !hasFailed && entry > lastPage.exit && exit < meta.entry,
    );
    if (!isSynced) problems.push(`the meta page at ${meta.entry} was written before the pages were synced`);
  }
  return problems;
}
