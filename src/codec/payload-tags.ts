/**
 * Tagged containers: how a value that holds a Map goes through MessagePack, where a map is already an object.
 *
 * Every object, array and Map becomes an array whose first item says what it was; a Set stays one, of tagged members.
 * Values must have passed the check. The tags are part of the file format.
 */
const objectTag = 0;
const arrayTag = 1;
const mapTag = 2;

export function toTagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return [arrayTag, ...Array.from(value, toTagged)];
  if (value instanceof Set) return new Set(Array.from(value, toTagged));
  if (value instanceof Map) return tagged(mapTag, value);
  if (value instanceof Date || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value;
  return tagged(objectTag, Object.entries(value));
}

function tagged(tag: number, entries: Iterable<readonly [unknown, unknown]>): unknown[] {
  const items: unknown[] = [tag];
  for (const [key, member] of entries) items.push(toTagged(key), toTagged(member));
  return items;
}

/** @throws {TypeError} for what `toTagged` does not make. */
export function fromTagged(value: unknown): unknown {
  if (value instanceof Set) return new Set(Array.from(value, fromTagged));
  if (!Array.isArray(value)) return value;
  const [tag, ...items] = value as unknown[];
  const members = items.map(fromTagged);
  if (tag === arrayTag) return members;
  const entries = pairs(members);
  if (tag === mapTag) return new Map(entries);
  if (tag === objectTag) return Object.fromEntries(entries as [string, unknown][]);
  throw new TypeError(`a container has the unknown tag ${String(tag)}`);
}

function pairs(items: readonly unknown[]): [unknown, unknown][] {
  const entries: [unknown, unknown][] = [];
  for (let index = 0; index < items.length; index += 2) entries.push([items[index], items[index + 1]]);
  return entries;
}
