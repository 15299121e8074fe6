/**
 * Payloads at the end of rows, sealed and opened: what of a row comes from events. Layout: docs/format.md, "Sealed rows".
 *
 * What is authenticated with the payload is where it stands: the label, the store, the row's key, and all of the row that is
 * before the nonce. So nothing of a row can be changed, and no row can stand for another one.
 */
import { assert } from '../assert.ts';
import { readU32, writeU16, writeU32 } from '../codec/bytes.ts';
import type { EncodedPayload } from '../codec/payload.ts';
import { misshapen } from '../codec/row.ts';
import { openSealed, sealBytes, sealInto } from '../crypto/gcm.ts';
import type { KeyOwner } from '../crypto/key-owner.ts';
import type { KeyView, SealingKey } from '../crypto/key-ports.ts';
import { BusError } from '../errors.ts';
import type { TableName } from '../storage/engine.ts';
import type { RowLabel } from './row-draft.ts';

/** Of the encoding byte: what follows is sealed. */
const sealedBit = 0x80;
/** Encoding and key id. */
const headBytes = 5;
const u16Max = 2 ** 16 - 1;

/** Where a payload stands. */
export interface PayloadPlace {
  readonly label: RowLabel;
  readonly table: TableName;
  /** Of the row. */
  readonly key: Uint8Array;
}

/** `head`, then `payload`, sealed with `key`: all of a row but its checksum. */
export function sealPayload(
  { label, key: rowKey }: PayloadPlace,
  head: Uint8Array,
  { encoding, bytes }: EncodedPayload,
  cryptoId: Uint8Array,
  key: SealingKey,
): Uint8Array {
  assert((encoding & sealedBit) === 0, 'the highest bit of an encoding says that it is sealed');
  const nonceAt = head.length + headBytes;
  const row = new Uint8Array(nonceAt + sealBytes + bytes.length);
  row.set(head);
  row[head.length] = encoding | sealedBit;
  writeU32(row, head.length + 1, key.id);
  const associated = associatedBytes(label, cryptoId, rowKey, row.subarray(0, nonceAt));
  row.set(sealInto(key.key, associated, bytes, row, nonceAt), nonceAt + sealBytes);
  key.seals++;
  return row;
}

/** The key that the payload at `at` of a row is sealed with; 0: it is plain. */
export function keyIdAt(payload: Uint8Array, at: number): number {
  const isSealed = ((payload[at] ?? 0) & sealedBit) !== 0;
  return isSealed && payload.length >= at + headBytes ? readU32(payload, at + 1) : 0;
}

/**
 * What begins with the encoding byte at `at` of a row's checked `payload`, opened; borrowed where it is plain. `'erased'`: its
 * key is. Only the stream of an owner that is one is compared.
 * @throws {DECRYPTION_FAILED} it was changed or moved, or is plain where that is not `mayBePlain`.
 * @throws {MASTER_KEY_REQUIRED} it is sealed, and there are no keys. @throws {STORE_CORRUPT} there is nothing.
 */
export function openPayload(
  keys: KeyView | undefined,
  { label, table, key: rowKey }: PayloadPlace,
  owner: KeyOwner,
  payload: Uint8Array,
  at: number,
  mayBePlain = true,
): EncodedPayload | 'erased' {
  const encoding = payload[at];
  if (encoding === undefined) misshapen(table, rowKey);
  if ((encoding & sealedBit) === 0) {
    if (!mayBePlain) throw rowNotOpened(table);
    return { encoding, bytes: payload.subarray(at + 1) };
  }
  if (keys === undefined) {
    const message = `a row of ${table} is sealed: open the store with \`encryption\``;
    throw new BusError('MASTER_KEY_REQUIRED', message, { path: '' });
  }
  const nonceAt = at + headBytes;
  if (payload.length < nonceAt + sealBytes) throw rowNotOpened(table);
  const key = keys.open(readU32(payload, at + 1), owner, undefined);
  if (key === undefined) return 'erased';
  const associated = associatedBytes(label, keys.cryptoId, rowKey, payload.subarray(0, nonceAt));
  const bytes = openSealed(key, associated, payload.subarray(nonceAt + sealBytes), payload, nonceAt);
  if (bytes === undefined) throw rowNotOpened(table);
  return { encoding: encoding & ~sealedBit, bytes };
}

/** `head`: all of the row before the nonce. */
function associatedBytes(label: RowLabel, cryptoId: Uint8Array, rowKey: Uint8Array, head: Uint8Array): Uint8Array {
  assert(rowKey.length <= u16Max && head.length <= u16Max, 'the key of a row, and its head, have 16 bits of length');
  const title = `varvebus ${label} 1\0`;
  const bytes = Buffer.allocUnsafe(title.length + cryptoId.length + 4 + rowKey.length + head.length);
  let end = bytes.write(title, 'latin1');
  bytes.set(cryptoId, end);
  end += cryptoId.length;
  for (const part of [rowKey, head]) {
    writeU16(bytes, end, part.length);
    bytes.set(part, end + 2);
    end += 2 + part.length;
  }
  return bytes;
}

/** What is sealed in a row of `table`, or has to be, is not what was sealed. */
export function rowNotOpened(table: TableName): BusError<'DECRYPTION_FAILED'> {
  const message = `a sealed row of ${table} does not open: it was changed, moved, or is another store's`;
  return new BusError('DECRYPTION_FAILED', message, { table, position: undefined });
}
