/**
 * Who takes part: the subject, and who it is measured against.
 */
import { openLmdbJsStore } from './lmdb-js-store.ts';
import type { Store } from './store.ts';
import { openVarvebusStore } from './varvebus-store.ts';

/**
 * In the order of the table: the first that takes part in a case is what the others are compared with. `varvebus-sealed` is the
 * subject with encryption, in cases of its own; `varvebus-inline` is it without a writer thread.
 */
export const contenders = ['varvebus-sealed', 'varvebus', 'varvebus-inline', 'lmdb-js', 'lmdb-js-shared'] as const;
export type Contender = (typeof contenders)[number];
export const subject = 'varvebus' satisfies Contender;

/** Opens the contender's store in `directory`, which must exist, or creates it. */
export function openStore(contender: Contender, directory: string): Promise<Store> {
  switch (contender) {
    case 'varvebus':
    case 'varvebus-inline':
    case 'varvebus-sealed': {
      const isSealed = contender === 'varvebus-sealed';
      return openVarvebusStore(directory, { inline: contender === 'varvebus-inline', isSealed });
    }
    case 'lmdb-js':
    case 'lmdb-js-shared':
      return openLmdbJsStore(directory, contender === 'lmdb-js-shared');
  }
}
