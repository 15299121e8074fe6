/**
 * The walk that decides whether a value can be stored: it refuses whatever msgpackr would not give back as it was.
 *
 * Reads every property once, before msgpackr does. What is refused and how its place is named: payload.ts.
 */
import { types } from 'node:util';
import { eventBytesMax, payloadDepthMax } from '../limits.ts';
import {
  itemStep,
  mapKeyStep,
  mapValueStep,
  type Place,
  refuse,
  refuseDepth,
  refuseSize,
  setItemStep,
} from './payload-refusal.ts';

interface Walk extends Place {
  hasMap: boolean;
  /** What has been met takes at least this: the same object met again and again ends here, not in a walk without end. */
  bytesMin: number;
  /** Somebody has put enumerable properties on Object.prototype. */
  readonly hasInherited: boolean;
}

/** Prototypes of built-in values that are stored as they are. */
const viewPrototypes = new Set<unknown>([
  Int8Array.prototype, Uint8Array.prototype, Uint8ClampedArray.prototype, Int16Array.prototype, Uint16Array.prototype,
  Int32Array.prototype, Uint32Array.prototype, Float32Array.prototype, Float64Array.prototype,
  BigInt64Array.prototype, BigUint64Array.prototype, DataView.prototype, Buffer.prototype,
]); // biome-ignore format: one line for each dozen

/** Tells whether `value` holds a Map. @throws {EVENT_INVALID} as `encodePayload` does. */
export function checkPayload(value: unknown, index: number, root: 'data' | 'metadata'): { readonly hasMap: boolean } {
  const walk: Walk = {
    index,
    root,
    rootValue: value,
    depth: 0,
    steps: [],
    refusal: undefined,
    hasMap: false,
    bytesMin: 0,
    hasInherited: hasInheritedNames(),
  };
  try {
    if (root === 'metadata' && !isPlainObject(value)) throw refuse(walk, 'is not a plain object');
    check(walk, value);
    return walk;
  } catch (error) {
    throw error === walk.refusal ? error : refuse(walk, 'threw when it was read', { cause: error });
  }
}

function hasInheritedNames(): boolean {
  for (const _ in Object.prototype) return true;
  return false;
}

function isPlainObject(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    isPlainPrototype(Object.getPrototypeOf(value))
  );
}

/** True for that of ordinary objects and for null; also for that of another realm (node:vm, jest), known by its end of the chain. */
function isPlainPrototype(prototype: unknown): boolean {
  if (prototype === Object.prototype || prototype === null) return true;
  return (
    typeof prototype === 'object' &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'hasOwnProperty') &&
    Object.hasOwn(prototype, '__proto__')
  );
}

function check(walk: Walk, value: unknown): void {
  count(walk, 1);
  switch (typeof value) {
    case 'string':
      count(walk, value.length);
      if (!value.isWellFormed()) throw refuse(walk, 'has a lone surrogate');
      break;
    case 'object':
      if (value !== null) checkObject(walk, value);
      break;
    case 'function':
    case 'symbol':
      throw refuse(walk, `is a ${typeof value}`);
    default:
      break;
  }
}

function count(walk: Walk, bytes: number): void {
  walk.bytesMin += bytes;
  if (walk.bytesMin > eventBytesMax) throw refuseSize(walk, walk.bytesMin);
}

function checkObject(walk: Walk, value: object): void {
  if (++walk.depth > payloadDepthMax) throw refuseDepth(walk);
  walk.steps[walk.depth - 1] = undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) checkItems(walk, value, prototype);
  else if (isPlainPrototype(prototype)) checkProperties(walk, value);
  else checkBuiltIn(walk, value, prototype);
  walk.depth--;
}

function checkProperties(walk: Walk, value: object): void {
  refuseSymbols(walk, value);
  const step = walk.depth - 1;
  // for-in is three times as fast as Object.keys and a look-up (Node 24), but lists what is on Object.prototype too.
  for (const name in value) {
    if (walk.hasInherited && !Object.hasOwn(value, name)) continue;
    walk.steps[step] = name;
    if (name === '__proto__') throw refuse(walk, 'has a name that would set the prototype');
    count(walk, name.length);
    if (!name.isWellFormed()) throw refuse(walk, 'has a name with a lone surrogate');
    check(walk, (value as Record<string, unknown>)[name]);
  }
}

function checkItems(walk: Walk, value: readonly unknown[], prototype: unknown): void {
  if (prototype !== Array.prototype && !isForeignArray(prototype)) throw refuseInstance(walk, prototype);
  if (value.length > eventBytesMax) throw refuseSize(walk, value.length);
  refuseSymbols(walk, value);
  refuseNamedProperties(walk, value);
  const step = walk.depth - 1;
  for (let index = 0; index < value.length; index++) {
    walk.steps[step] = itemStep(index);
    check(walk, value[index]);
  }
}

/** An array of another realm: its prototype is an array itself, and the last but one of its chain. */
function isForeignArray(prototype: unknown): boolean {
  return Array.isArray(prototype) && isPlainPrototype(Object.getPrototypeOf(prototype));
}

/** Of an array only the items are stored; a RegExp match, say, has more. Indexes come first among keys, so the last one tells. */
function refuseNamedProperties(walk: Walk, value: readonly unknown[]): void {
  const last = Object.keys(value).at(-1);
  if (last === undefined) return;
  const index = Number(last) >>> 0;
  if (index < value.length && String(index) === last) return;
  walk.steps[walk.depth - 1] = last;
  throw refuse(walk, 'is a named property of an array, of which only the items are stored');
}

function refuseSymbols(walk: Walk, value: object): void {
  const symbols = Object.getOwnPropertySymbols(value);
  if (symbols.length === 0) return;
  // It has one that is not enumerable, and looks like a plain object otherwise.
  if (types.isArgumentsObject(value)) throw refuse(walk, 'is an arguments object: spread it into an array');
  for (const symbol of symbols) {
    if (!Object.prototype.propertyIsEnumerable.call(value, symbol)) continue;
    walk.steps[walk.depth - 1] = symbol;
    throw refuse(walk, 'has a symbol for a name');
  }
}

function checkBuiltIn(walk: Walk, value: object, prototype: unknown): void {
  if (prototype === Date.prototype && types.isDate(value)) refuseProperties(walk, value, 'Date');
  else if (prototype === Map.prototype && types.isMap(value)) checkEntries(walk, value);
  else if (prototype === Set.prototype && types.isSet(value)) checkMembers(walk, value);
  else if (prototype === ArrayBuffer.prototype && types.isArrayBuffer(value))
    checkMemory(walk, value, value.byteLength);
  else if (ArrayBuffer.isView(value) && viewPrototypes.has(prototype))
    checkMemory(walk, value.buffer, value.byteLength);
  else throw refuseInstance(walk, prototype);
}

function checkEntries(walk: Walk, value: ReadonlyMap<unknown, unknown>): void {
  refuseProperties(walk, value, 'Map');
  walk.hasMap = true;
  const step = walk.depth - 1;
  let ordinal = 0;
  for (const [key, member] of value) {
    walk.steps[step] = mapKeyStep(ordinal);
    check(walk, key);
    walk.steps[step] = mapValueStep(ordinal++);
    check(walk, member);
  }
}

function checkMembers(walk: Walk, value: ReadonlySet<unknown>): void {
  refuseProperties(walk, value, 'Set');
  const step = walk.depth - 1;
  let ordinal = 0;
  for (const member of value) {
    walk.steps[step] = setItemStep(ordinal++);
    check(walk, member);
  }
}

function refuseProperties(walk: Walk, value: object, name: string): void {
  refuseSymbols(walk, value);
  const [own] = Object.keys(value);
  if (own === undefined) return;
  walk.steps[walk.depth - 1] = own;
  throw refuse(walk, `is a property of a ${name}, of which only the content is stored`);
}

function checkMemory(walk: Walk, buffer: ArrayBufferLike, bytes: number): void {
  if (types.isSharedArrayBuffer(buffer))
    throw refuse(walk, 'is shared memory, which may change meanwhile: copy it first');
  if ((buffer as ArrayBuffer).detached) throw refuse(walk, 'is detached: its memory was transferred');
  count(walk, bytes);
}

function refuseInstance(walk: Walk, prototype: unknown): Error {
  const maker: unknown = (prototype as { constructor?: unknown } | null)?.constructor;
  const name = typeof maker === 'function' && maker.name !== '' ? maker.name : 'a class without a name';
  return refuse(walk, `is an instance of ${name}: store its values as a plain object`);
}
