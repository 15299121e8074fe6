/**
 * The master key of a store, as it was given by the application: it wraps the store's secrets and is kept nowhere.
 */
import type { KeyObject } from 'node:crypto';

export interface MasterKey {
  /** What the application calls it; kept in clear beside what it wraps. 1 to 512 bytes. */
  readonly id: string | undefined;
  /** 32 bytes. */
  readonly key: KeyObject;
}
