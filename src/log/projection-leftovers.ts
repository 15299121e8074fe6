/**
 * What is left over of builds that no projection needs any more: their keys first, then rows, marks and cursors.
 *
 * Goes by what is in the store, so that a crash loses nothing of it: the last that goes of a build is its cursor.
 */
import { assert } from '../assert.ts';
import { entryPayload, entryPrefix, markPrefix, projectionOfKey } from '../codec/projection-row.ts';
import { keyBehindPrefix, textKey } from '../codec/row.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import { buildCursorPrefix, buildOfCursor, buildOwner, readBuilds } from './projection-rows.ts';
import { keyIdAt } from './sealed-payload.ts';

type IsKept = (build: number) => boolean;

/** Removes what no build of `name` needs any more, at most `rowsMax` rows; nothing when there is nothing left over. */
export function leftoverRows(snapshot: Snapshot, name: string, rowsMax: number): RowWrite[] {
  const isKept = keptBuilds(snapshot, name);
  const rows: RowWrite[] = [];
  let next: number | undefined = 1;
  while (next !== undefined && rows.length < rowsMax)
    next = collectLeftovers(snapshot, name, next, isKept, rows, rowsMax);
  if (rows.length === rowsMax) return rows;
  const from = markPrefix(name);
  snapshot.walkRows('projections', { from, below: keyBehindPrefix(from) as Uint8Array }, (key) => {
    if (!isKept(buildOfMark(key, from.length))) rows.push(removal('projections', key));
    return rows.length < rowsMax;
  });
  if (rows.length === rowsMax) return rows;
  // Cursors go last: while there is one, somebody may see that something was there.
  for (const { key } of leftoverCursors(snapshot, name, isKept, rowsMax - rows.length))
    rows.push(removal('consumer_cursors', key));
  return rows;
}

/**
 * The builds of `name` that nobody needs and whose keys may still be there. They are to be erased before the rows go: those
 * tell of them.
 */
export function leftoverKeys(snapshot: Snapshot, name: string): number[] {
  if (snapshot.keys === undefined) return [];
  const isKept = keptBuilds(snapshot, name);
  const builds = new Set<number>();
  const passed = new Set<number>();
  for (const { build } of leftoverCursors(snapshot, name, isKept, Number.POSITIVE_INFINITY)) builds.add(build);
  for (let build = nextBuild(snapshot, name, 1); build !== undefined; build = nextBuild(snapshot, name, build + 1)) {
    if (isKept(build)) continue;
    builds.add(build);
    if (!hasKey(snapshot, name, build)) passed.add(build);
  }
  return [...builds].filter((build) => !passed.has(build)).sort((left, right) => left - right);
}

function keptBuilds(snapshot: Snapshot, name: string): IsKept {
  const { active, building } = readBuilds(snapshot, name);
  return (build) => build === active?.build || build === building?.build;
}

/** Collects rows of the first build from number `from` on; gives the number to go on with. Builds that are kept are passed over. */
function collectLeftovers(
  snapshot: Snapshot,
  name: string,
  from: number,
  isKept: IsKept,
  rows: RowWrite[],
  rowsMax: number,
): number | undefined {
  let passed: number | undefined;
  const below = Buffer.from(`${name}\u0001`);
  snapshot.walkRows('projections', { from: entryPrefix(name, from), below }, (key) => {
    const build = projectionOfKey(key)?.build;
    if (build !== undefined && isKept(build)) {
      passed = build;
      return false;
    }
    rows.push(removal('projections', key));
    return rows.length < rowsMax;
  });
  assert(passed === undefined || passed >= from, 'builds ascend');
  return passed === undefined ? undefined : passed + 1;
}

/** The first build from number `from` on that has an entry. */
function nextBuild(snapshot: Snapshot, name: string, from: number): number | undefined {
  let build: number | undefined;
  const below = Buffer.from(`${name}\u0001`);
  snapshot.walkRows('projections', { from: entryPrefix(name, from), below }, (key) => {
    build = projectionOfKey(key)?.build;
    return false;
  });
  return build;
}

/** Whether the values of a build are sealed, and can be opened. */
function hasKey(snapshot: Snapshot, name: string, build: number): boolean {
  const owner = buildOwner(name, build);
  let isThere = false;
  const from = entryPrefix(name, build);
  snapshot.walkRows('projections', { from, below: keyBehindPrefix(from) as Uint8Array }, (key, row) => {
    const id = keyIdAt(entryPayload(key, row), 0);
    isThere = id !== 0 && snapshot.keys?.isErased(id, owner, undefined) === false;
    return false;
  });
  return isThere;
}

function leftoverCursors(snapshot: Snapshot, name: string, isKept: IsKept, cursorsMax: number) {
  const cursors: { readonly key: Uint8Array; readonly build: number }[] = [];
  if (cursorsMax === 0) return cursors;
  snapshot.walkRows('consumer_cursors', { from: textKey(buildCursorPrefix) }, (key) => {
    const text = Buffer.from(key).toString();
    if (!text.startsWith(buildCursorPrefix)) return false;
    const of = buildOfCursor(text);
    if (of?.name === name && !isKept(of.build))
      cursors.push({ key: Uint8Array.prototype.slice.call(key), build: of.build });
    return cursors.length < cursorsMax;
  });
  return cursors;
}

function buildOfMark(key: Uint8Array, prefixBytes: number): number {
  return Buffer.from(key.buffer, key.byteOffset, key.length).readUInt32BE(prefixBytes);
}

function removal(table: RowWrite['table'], key: Uint8Array): RowWrite {
  return { table, key: Uint8Array.prototype.slice.call(key), value: undefined };
}
