/** A bus in memory with encryption, and what tests of it look at. */
import type { Bus, EncryptionOptions } from '#store';
import { type BusOptions, type TempStore, tempStore } from './temp-store.ts';

export interface SealedBus {
  readonly bus: Bus;
  readonly store: TempStore;
  /** What `errors$` has told. */
  readonly reported: unknown[];
  /** Whether `text` is anywhere in what is stored. */
  isStored(text: string): boolean;
}

export async function sealedBus(
  options: BusOptions = {},
  mode: NonNullable<EncryptionOptions['mode']> = 'all',
): Promise<SealedBus> {
  const store = tempStore();
  const bus = await store.openBus({ ...options, encryption: { masterKey: Buffer.alloc(32, 7), mode } });
  const reported: unknown[] = [];
  bus.errors$.subscribe((error) => reported.push(error));
  return {
    bus,
    store,
    reported,
    isStored: (text) => {
      const { blocks, rows } = store.storage;
      const values = Object.values(rows).flatMap((table) => table.flatMap(({ key, value }) => [key, value]));
      return [...blocks.map(({ bytes }) => bytes), ...values].some((bytes) => Buffer.from(bytes).includes(text));
    },
  };
}
