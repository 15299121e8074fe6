/**
 * The ledger of erasures: every name that was erased in a store, as a small file of its own. A copy that is older than an
 * erasure is told of it when it is opened. See docs/format.md, "The ledger of erasures".
 *
 * Names are tags, as in the keys file. It is authenticated with the store's key of tags, which all its copies share and no
 * rotation changes.
 */
import { timingSafeEqual } from 'node:crypto';
import { BusError } from '../errors.ts';
import type { KeyBookFile } from './key-book.ts';
import { type EntryDomain, entryAt, entryDomains } from './key-entry.ts';
import type { NameToErase } from './key-image.ts';
import type { ErasedKeys } from './key-ports.ts';
import type { KeyTable } from './key-table.ts';
import { cryptoIdBytes, type StoreSecrets, tagOfNameBytes } from './secrets.ts';

const magic = Buffer.from('VARVLEDG');
const version = 1;
const at = { version: 8, count: 12, cryptoId: 16, entries: 32 } as const;
const entryAtLedger = { domain: 0, upToId: 4, time: 8, tag: 16 } as const;
const ledgerEntryBytes = 32;
const proofBytes = 32;

/** Everything that was ever erased, of the keys file in `table`. */
export function encodeLedger(table: KeyTable, secrets: StoreSecrets): Buffer {
  const names = [...table.erasedNames()];
  const end = at.entries + names.length * ledgerEntryBytes;
  const bytes = Buffer.alloc(end + proofBytes);
  bytes.set(magic);
  bytes.writeUInt16LE(version, at.version);
  bytes.writeUInt32LE(names.length, at.count);
  bytes.set(table.header.cryptoId, at.cryptoId);
  names.forEach((name, index) => {
    const entry = at.entries + index * ledgerEntryBytes;
    bytes[entry + entryAtLedger.domain] = table.domainAt(name);
    bytes.writeUInt32LE(table.entries.readUInt32LE(name + entryAt.id), entry + entryAtLedger.upToId);
    bytes.writeUIntLE(table.timeAt(name), entry + entryAtLedger.time, 6);
    bytes.set(table.ownerTagAt(name), entry + entryAtLedger.tag);
  });
  bytes.set(secrets.tag('ledger', [bytes.subarray(0, end)], proofBytes), end);
  return bytes;
}

/**
 * Erases what the ledger tells of and this copy has not erased yet; durable when it returns. Gives what there was to erase:
 * the log is told of it with the next commit. Keys that were made under a name after it was erased stay.
 * @throws {LEDGER_INVALID} nothing has changed. @throws as an erasure
 */
export function applyLedger(book: KeyBookFile, secrets: StoreSecrets, bytes: Uint8Array): readonly ErasedKeys[] {
  const names = decodeLedger(Buffer.from(bytes), secrets, book.cryptoId);
  const { table } = book;
  return book.eraseNames(
    names.map((name) => {
      const own = table.erasedName(name.domain, name.tag);
      return own === undefined ? name : { ...name, upToId: Math.max(name.upToId, table.idAt(own)) };
    }),
  );
}

function decodeLedger(bytes: Buffer, secrets: StoreSecrets, cryptoId: Uint8Array): NameToErase[] {
  const end = bytes.length - proofBytes;
  const isWhole =
    end >= at.entries &&
    bytes.subarray(0, magic.length).equals(magic) &&
    end === at.entries + bytes.readUInt32LE(at.count) * ledgerEntryBytes;
  if (!isWhole) invalid('damaged', 'it is no ledger of erasures, or not all of it');
  if (!bytes.subarray(at.cryptoId, at.cryptoId + cryptoIdBytes).equals(cryptoId))
    invalid('other-store', 'it is the ledger of another store');
  if (!timingSafeEqual(secrets.tag('ledger', [bytes.subarray(0, end)], proofBytes), bytes.subarray(end)))
    invalid('damaged', 'it was changed');
  const found = bytes.readUInt16LE(at.version);
  if (found !== version) invalid('damaged', `it has version ${found}, this release of varvebus knows ${version}`);
  const names: NameToErase[] = [];
  for (let entry: number = at.entries; entry < end; entry += ledgerEntryBytes)
    names.push({
      domain: domainOf(bytes[entry + entryAtLedger.domain] as number),
      tag: Buffer.from(bytes.subarray(entry + entryAtLedger.tag, entry + entryAtLedger.tag + tagOfNameBytes)),
      upToId: bytes.readUInt32LE(entry + entryAtLedger.upToId),
      timeMs: bytes.readUIntLE(entry + entryAtLedger.time, 6),
    });
  return names;
}

function domainOf(byte: number): EntryDomain {
  const domain = Object.values(entryDomains).find((known) => known === byte);
  return domain ?? invalid('damaged', `it tells of a name of kind ${byte}`);
}

function invalid(reason: 'damaged' | 'other-store', why: string): never {
  throw new BusError('LEDGER_INVALID', `the ledger of erasures was refused: ${why}. Nothing was changed`, { reason });
}
