/**
 * The numbers of payload encoding 1 that MessagePack leaves to its user. They are part of the file format: never renumber.
 */

/** Extension types: what JSON and MessagePack have no form for. Layouts: docs/format.md, "Payload". */
export const extension = {
  undefined: 0,
  date: 1,
  bigint: 2,
  view: 3,
  map: 4,
  set: 5,
} as const;

/** Kinds of binary data in `extension.view`, by index. A Uint8Array is MessagePack's own `bin` instead. */
export const viewKinds = [
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const;

export type ViewKind = (typeof viewKinds)[number];
