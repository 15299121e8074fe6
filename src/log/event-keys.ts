/**
 * What seals the events of an append: a key for each of them, from the writer's book of keys, and the cipher.
 */
import type { RecordKey, RunSealer } from '../codec/sealed-run.ts';
import { sealInto } from '../crypto/gcm.ts';
import type { KeyBook, SealingKey } from '../crypto/key-ports.ts';
import { BusError } from '../errors.ts';
import type { AppendRequest } from './append-request.ts';

/** Seals records with keys of a book, and counts it. */
export function recordSealer(keys: KeyBook): RunSealer {
  return {
    cryptoId: keys.cryptoId,
    seal(key: RecordKey, associated, plain, target, at) {
      const sealing = key as SealingKey;
      sealing.seals++;
      return sealInto(sealing.key, associated, plain, target, at);
    },
  };
}

/** The key of each event; `undefined`: of none. */
export type EventKeys = readonly (SealingKey | undefined)[] | undefined;

/** @throws {KEY_ERASED}. @throws {MASTER_KEY_REQUIRED} for subjects in a store without keys. Nothing is placed by then. */
export function keysOfRequest(request: AppendRequest, keys: KeyBook | undefined, path: string): EventKeys {
  const { parts, subjects, newKeyGeneration = false } = request;
  if (keys === undefined) {
    if (subjects === undefined) return undefined;
    const message = 'an event that names a subject is sealed with a key of its own: open the store with `encryption`';
    throw new BusError('MASTER_KEY_REQUIRED', message, { path });
  }
  const eventKeys: (SealingKey | undefined)[] = [];
  for (const { stream, eventCount } of parts) {
    const end = eventKeys.length + eventCount;
    while (eventKeys.length < end) {
      const subject = subjects?.[eventKeys.length];
      const key = keys.sealing({ kind: 'stream', stream, subject }, newKeyGeneration);
      eventKeys.push(key);
      if (subjects === undefined) while (eventKeys.length < end) eventKeys.push(key);
    }
  }
  return eventKeys;
}
