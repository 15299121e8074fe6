/**
 * Who takes part: the subject, and the peers it is measured against.
 */
import { openLmdbJsStore } from './lmdb-js-store.ts';
import type { Store } from './store.ts';
import { openVarvebusStore } from './varvebus-store.ts';

export const subject = 'varvebus';
export const peers = ['lmdb-js', 'lmdb-js-shared'] as const;
export const contenders = [subject, ...peers] as const;
export type Contender = (typeof contenders)[number];

/** Opens the contender's store in `directory`, which must exist, or creates it. */
export function openStore(contender: Contender, directory: string): Promise<Store> {
  if (contender === subject) return openVarvebusStore(directory);
  return openLmdbJsStore(directory, contender === 'lmdb-js-shared');
}
