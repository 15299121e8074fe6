/**
 * A run: consecutive records of one block, of one stream, sealed by one call of the cipher with one key.
 *
 * Each record keeps its own ciphertext; the first one has the seal. What is authenticated is the place and header of every
 * one: no record can be changed, moved, left out or put among others. Layout: docs/format.md, "Sealed records". The cipher
 * itself, and where keys come from, is a port: crypto/.
 */
import { assert } from '../assert.ts';
import type { Block } from './block.ts';
import { decryptionFailed } from './block.ts';
import { readU16, readU32, writeU16, writeU48 } from './bytes.ts';
import { payloadStart, recordField, recordHeaderBytes } from './record.ts';

/** A key to seal records with. */
export interface RecordKey {
  readonly id: number;
}

/** Seals with keys that it gave out. */
export interface RunSealer {
  /** Of the store. 16 bytes. */
  readonly cryptoId: Uint8Array;
  /** Gives the ciphertext, as long as `plain`, and writes the seal, of 28 bytes, to `target` at `at`. */
  seal(key: RecordKey, associated: Uint8Array, plain: Uint8Array, target: Uint8Array, at: number): Uint8Array;
}

/** Opens runs. */
export interface RunOpener {
  readonly cryptoId: Uint8Array;
  /** Whether the key is erased. @throws {DECRYPTION_FAILED} when `keyId` is no key of `stream` */
  isErased(keyId: number, stream: string, position: number): boolean;
  /** `'erased'`: so is the key. `undefined`: this is not what was sealed. @throws as `isErased` */
  open(
    keyId: number,
    stream: string,
    position: number,
    associated: Uint8Array,
    sealed: Uint8Array,
    seal: Uint8Array,
    at: number,
  ): Uint8Array | 'erased' | undefined;
}

/** The records of a run in `bytes`. */
interface RunRecords {
  readonly bytes: Uint8Array;
  readonly stream: string;
  readonly firstPosition: number;
  /** Where each begins. */
  readonly starts: readonly number[];
  readonly types: readonly string[];
}

/** What a run is authenticated under, beside the crypto id: docs/format.md names it. */
const label = Buffer.from('varvebus event 1\0', 'latin1');
const headerAt = recordField.streamIndex;

/** Seals a run in place. Lengths stay; CRC32s are still to be written. */
export function sealRun(sealer: RunSealer, key: RecordKey, records: RunRecords): void {
  const { bytes, starts } = records;
  const plain = gathered(records);
  const sealAt = (starts[0] as number) + recordHeaderBytes;
  scatter(records, sealer.seal(key, associatedOf(sealer.cryptoId, records), plain, bytes, sealAt));
}

/** A run of a stored block, opened when something in it is first asked for. */
export class SealedRun {
  readonly block: Block;
  /** Ordinals of its records. */
  readonly first: number;
  readonly last: number;
  readonly keyId: number;
  readonly stream: string;
  readonly #opener: RunOpener;
  #plain: Uint8Array | 'erased' | undefined;

  /** The run that the sealed record `ordinal` is in. @throws {DECRYPTION_FAILED} */
  constructor(block: Block, ordinal: number, opener: RunOpener) {
    let first = ordinal;
    while (first > 0 && block.sealAt(first) === 'joined') first--;
    let last = ordinal;
    while (last + 1 < block.eventCount && block.sealAt(last + 1) === 'joined') last++;
    if (block.sealAt(first) !== 'first') throw decryptionFailed(block.positionOf(ordinal));
    this.block = block;
    this.first = first;
    this.last = last;
    const firstAt = block.recordAt(first);
    this.keyId = block.keyIdAt(firstAt);
    this.stream = block.streamName(block.streamIndexAt(firstAt));
    this.#opener = opener;
  }

  /** @throws {DECRYPTION_FAILED} */
  get isErased(): boolean {
    const position = this.block.positionOf(this.first);
    return this.#plain === 'erased' || this.#opener.isErased(this.keyId, this.stream, position);
  }

  /** Data and metadata of all its records, one behind the other; `'erased'`: nobody can open it. @throws {DECRYPTION_FAILED} */
  open(): Uint8Array | 'erased' {
    this.#plain ??= this.#opened();
    return this.#plain;
  }

  /** Where data of the record `ordinal` begins in what {@link open} gives. */
  dataAt(ordinal: number): number {
    let at = 0;
    for (let before = this.first; before < ordinal; before++) at += this.#payloadBytes(before);
    return at;
  }

  #payloadBytes(ordinal: number): number {
    return payloadBytes(this.block.bytes, this.block.recordAt(ordinal));
  }

  #opened(): Uint8Array | 'erased' {
    const { block, first, last, keyId, stream } = this;
    const firstPosition = block.positionOf(first);
    const starts: number[] = [];
    const types: string[] = [];
    for (let ordinal = first; ordinal <= last; ordinal++) {
      const at = block.recordAt(ordinal);
      block.checkKnown(ordinal);
      const isOfRun = block.keyIdAt(at) === keyId && block.streamName(block.streamIndexAt(at)) === stream;
      const end = payloadStart(block.bytes, at) + payloadBytes(block.bytes, at);
      if (!isOfRun || end !== block.recordEnd(ordinal) || end > block.bytes.length) {
        throw decryptionFailed(block.positionOf(ordinal));
      }
      starts.push(at);
      types.push(block.typeName(block.typeIndexAt(at)));
    }
    const { bytes } = block;
    const records = { bytes, stream, firstPosition, starts, types };
    const associated = associatedOf(this.#opener.cryptoId, records);
    const sealAt = (starts[0] as number) + recordHeaderBytes;
    const plain = this.#opener.open(keyId, stream, firstPosition, associated, gathered(records), bytes, sealAt);
    if (plain === undefined) throw decryptionFailed(firstPosition);
    // Not a Buffer: payloads are decoded out of it one by one, each of which would make an array of it anew.
    return plain === 'erased' ? plain : new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
  }
}

function payloadBytes(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + recordField.dataBytes) + readU32(bytes, at + recordField.metadataBytes);
}

/** Data and metadata of all records, one behind the other. A run of one needs no copy. */
function gathered({ bytes, starts }: RunRecords): Uint8Array {
  if (starts.length === 1) {
    const start = payloadStart(bytes, starts[0] as number);
    return bytes.subarray(start, start + payloadBytes(bytes, starts[0] as number));
  }
  let length = 0;
  for (const at of starts) length += payloadBytes(bytes, at);
  const all = Buffer.allocUnsafe(length);
  let end = 0;
  for (const at of starts) {
    const start = payloadStart(bytes, at);
    const next = end + payloadBytes(bytes, at);
    all.set(bytes.subarray(start, start + next - end), end);
    end = next;
  }
  return all;
}

function scatter({ bytes, starts }: RunRecords, all: Uint8Array): void {
  let end = 0;
  for (const at of starts) {
    const next = end + payloadBytes(bytes, at);
    bytes.set(all.subarray(end, next), payloadStart(bytes, at));
    end = next;
  }
  assert(end === all.length, 'a ciphertext is as long as what was sealed');
}

/** Used by one run at a time: Node copies it into the cipher. */
let scratch = Buffer.allocUnsafeSlow(4096);

/** Label, crypto id, and of each record: position, stream, type, the header without CRC and dictionary indexes, a text id. */
function associatedOf(cryptoId: Uint8Array, { bytes, stream, firstPosition, starts, types }: RunRecords): Uint8Array {
  let end = reserve(0, label.length + cryptoId.length);
  scratch.set(label, 0);
  scratch.set(cryptoId, label.length);
  for (const [index, at] of starts.entries()) {
    const type = types[index] as string;
    const idStart = at + recordHeaderBytes + (bytes[at + recordField.sealBytes] as number);
    const idEnd = idStart + readU16(bytes, at + recordField.idTextBytes);
    // A UTF-16 unit takes at most 3 bytes of UTF-8.
    reserve(end, 6 + 4 + 3 * (stream.length + type.length) + recordHeaderBytes + (idEnd - idStart));
    writeU48(scratch, end, firstPosition + index);
    end = writeName(writeName(end + 6, stream), type);
    end += copied(bytes, at + recordField.flags, at + headerAt, end);
    end += copied(bytes, at + recordField.keyId, at + recordHeaderBytes, end);
    end += copied(bytes, idStart, idEnd, end);
  }
  return scratch.subarray(0, end);
}

function writeName(at: number, name: string): number {
  const length = scratch.write(name, at + 2);
  writeU16(scratch, at, length);
  return at + 2 + length;
}

function copied(bytes: Uint8Array, start: number, end: number, to: number): number {
  for (let at = start; at < end; at++) scratch[to + at - start] = bytes[at] as number;
  return end - start;
}

/** Room for `bytes` more behind `end`; returns the end of both. */
function reserve(end: number, bytes: number): number {
  if (end + bytes > scratch.length) {
    const larger = Buffer.allocUnsafeSlow(Math.max(end + bytes, 2 * scratch.length));
    scratch.copy(larger, 0, 0, end);
    scratch = larger;
  }
  return end + bytes;
}
