/**
 * What shows an erasure to others: the ledger that older copies of a store are opened with, and the search for what is left of
 * erased keys.
 */
import { encodeLedger } from '../src/crypto/erase-ledger.ts';
import { keysDamaged } from '../src/crypto/key-entry.ts';
import { KeyTable } from '../src/crypto/key-table.ts';
import { BusError } from '../src/errors.ts';
import { type VerifyOptions, type VerifyReport, verifyStore } from '../src/log/verify.ts';
import { verifyErased } from '../src/log/verify-erased.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { ReaderKeys } from './keyed-reader.ts';
import type { OpenStore } from './open-store.ts';
import { wrong } from './option-checks.ts';

/** Everything that was erased in the store so far. @throws {UNSUPPORTED} it is not encrypted. @throws {STORE_CORRUPT} {STORE_FAILED} */
export function ledgerOf(store: OpenStore): Uint8Array {
  const { storage, secrets } = requireKeys(store, 'eraseLedger', 'has no ledger of erasures');
  const bytes = storage.read() ?? keysDamaged(`${storage.path} is missing`);
  return Uint8Array.from(encodeLedger(new KeyTable(bytes, storage.path), secrets));
}

/** @throws {TypeError} {ABORTED} {STORE_CLOSED}; {UNSUPPORTED} for `erased` where nothing is encrypted. Damage is reported, not thrown. */
export async function verifyWith(store: OpenStore, options: VerifyOptions): Promise<VerifyReport> {
  refuseUnknownNames('verify', options, ['erased', 'onProgress', 'signal']);
  const { erased: isSearched = false } = options;
  if (typeof isSearched !== 'boolean') throw wrong('erased', 'true or false', isSearched);
  const keys = isSearched ? requireKeys(store, 'erase', 'has no keys that could have been erased') : undefined;
  const report = await verifyStore(store.engine, options);
  if (keys === undefined) return report;
  const { signal, onProgress } = options;
  const { head } = report;
  const erased = await verifyErased({
    ...keys,
    directory: store.engine.capabilities.engine === 'memory' ? undefined : store.engine.path,
    signal,
    onProgress: onProgress && (({ bytes, bytesTotal }) => onProgress({ position: head, head, bytes, bytesTotal })),
  });
  return { ...report, ok: report.ok && erased.ok, erased };
}

function requireKeys({ keys, engine }: OpenStore, feature: string, lack: string): ReaderKeys {
  // First of all it has to be open.
  const isEncrypted = engine.read((snapshot) => snapshot.keys !== undefined);
  if (isEncrypted && keys?.secrets.isKnown === true) return keys;
  throw new BusError('UNSUPPORTED', `the store at ${engine.path} is not encrypted, so it ${lack}`, { feature });
}
