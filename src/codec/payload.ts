/**
 * How `data` and `metadata` become bytes. First version: msgpackr; being reworked.
 */
import { types } from 'node:util';
import { Packr } from 'msgpackr';
import { BusError } from '../errors.ts';
import { payloadDepthMax } from '../limits.ts';

/** `encoding` is a number of the file format: 0 undefined, 1 plain MessagePack, 2 values that hold a Map. */
export interface EncodedPayload {
  readonly encoding: number;
  readonly bytes: Uint8Array;
}

/** What `undefined` becomes: no bytes. */
export const encodedUndefined: EncodedPayload = Object.freeze({ encoding: 0, bytes: new Uint8Array(0) });
const options = {
  moreTypes: true,
  useBigIntExtension: true,
  copyBuffers: true,
  variableMapSize: true,
  useToJSON: false,
};
const plainPackr = new Packr({ ...options, useRecords: false });
const mapPackr = new Packr({ ...options, useRecords: true });

export function encodePayload(value: unknown, index: number, root: 'data' | 'metadata'): EncodedPayload {
  if (value === undefined) return encodedUndefined;
  const state = { index, hasMap: false };
  check(value, root, 0, state);
  if (root === 'metadata' && (value === null || typeof value !== 'object' || !isPlainObject(value)))
    throw refusal(state, root, 'must be a plain object');
  return state.hasMap ? { encoding: 2, bytes: mapPackr.pack(value) } : { encoding: 1, bytes: plainPackr.pack(value) };
}

export function decodePayload(encoding: number, bytes: Uint8Array, start: number, end: number): unknown {
  if (encoding === 0) return undefined;
  try {
    const source =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return (encoding === 2 ? mapPackr : plainPackr).unpack(source, { start, end });
  } catch (cause) {
    throw new BusError(
      'STORE_CORRUPT',
      'A payload cannot be decoded.',
      { table: 'events_log', position: undefined },
      { cause },
    );
  }
}

interface CheckState {
  readonly index: number;
  hasMap: boolean;
}

function refusal(state: CheckState, path: string, what: string): BusError<'EVENT_INVALID'> {
  return new BusError('EVENT_INVALID', `Event ${state.index}: ${path} ${what}`, { index: state.index, path });
}

function isPlainObject(value: object): boolean {
  const proto = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

function check(value: unknown, path: string, depth: number, state: CheckState): void {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw refusal(state, path, 'holds a lone surrogate');
      return;
    case 'function':
    case 'symbol':
      throw refusal(state, path, `is a ${typeof value}`);
    case 'object':
      if (value !== null) checkObject(value, path, depth, state);
  }
}

function checkObject(value: object, path: string, depth: number, state: CheckState): void {
  if (depth >= payloadDepthMax) throw refusal(state, path, 'is nested too deeply');
  if (Array.isArray(value)) {
    value.forEach((item, i) => check(item, `${path}[${i}]`, depth + 1, state));
    return;
  }
  if (types.isMap(value)) {
    state.hasMap = true;
    let i = 0;
    for (const [key, item] of value) {
      check(key, `${path}<key ${i}>`, depth + 1, state);
      check(item, `${path}<value ${i++}>`, depth + 1, state);
    }
    return;
  }
  if (types.isSet(value)) {
    let i = 0;
    for (const item of value) check(item, `${path}<item ${i++}>`, depth + 1, state);
    return;
  }
  if (types.isDate(value) || ArrayBuffer.isView(value) || types.isArrayBuffer(value)) return;
  if (!isPlainObject(value)) throw refusal(state, path, 'is an instance of a class');
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw refusal(state, `${path}["__proto__"]`, 'is a key that cannot be stored');
    check(key, `${path}["${key}"]`, depth, state);
    check((value as Record<string, unknown>)[key], `${path}.${key}`, depth + 1, state);
  }
}
