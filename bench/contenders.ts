/**
 * Who takes part: the subject, and who it is measured against.
 */
import { openLmdbJsStore } from './lmdb-js-store.ts';
import type { Store } from './store.ts';
import { openVarvebusStore } from './varvebus-store.ts';

/** In the order of the table. `varvebus-inline` is the subject without a writer thread. */
export const contenders = ['varvebus', 'varvebus-inline', 'lmdb-js', 'lmdb-js-shared'] as const;
export type Contender = (typeof contenders)[number];
export const subject = 'varvebus' satisfies Contender;

/** Opens the contender's store in `directory`, which must exist, or creates it. */
export function openStore(contender: Contender, directory: string): Promise<Store> {
  switch (contender) {
    case 'varvebus':
    case 'varvebus-inline':
      return openVarvebusStore(directory, { inline: contender === 'varvebus-inline' });
    case 'lmdb-js':
    case 'lmdb-js-shared':
      return openLmdbJsStore(directory, contender === 'lmdb-js-shared');
  }
}
