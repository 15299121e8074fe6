/**
 * Opens the store of a command: one that exists, as it is. What it lacks, and how to give it, is told.
 */
import type { Bus, StoreInfo } from '../../actors/bus.ts';
import type { EncryptionOptions, SealMode } from '../../actors/encryption-options.ts';
import type { OpenOptions } from '../../actors/options.ts';
import { BusError, isBusError } from '../errors.ts';
import { masterKeyVariable } from './master-key.ts';

/** A year. */
const idempotencyTtlMsMax = 365 * 24 * 3600 * 1000;

/** @throws what `openBus` throws, with advice */
export async function openStore(path: string, masterKey: Uint8Array | undefined, isWriting: boolean): Promise<Bus> {
  const reader = await openBus({ path, readOnly: true, ...(masterKey && { encryption: { masterKey } }) });
  if (!isWriting) return reader;
  const { durability, encryption } = reader.info();
  await reader.close();
  // What is the app's business is left to it: no timer becomes due here, and no idempotency key is forgotten.
  const options = { path, durability, clock: () => 0, idempotencyTtlMs: idempotencyTtlMsMax };
  return openBus({ ...options, ...asBefore(encryption, masterKey) });
}

/** A plain store stays plain. What is written to one with encryption is sealed, and what it promises of its log stays. */
function asBefore(
  encryption: StoreInfo['encryption'],
  masterKey: Uint8Array | undefined,
): { readonly encryption?: EncryptionOptions } {
  if (encryption === undefined || masterKey === undefined) return {};
  // The prefixes that the app has chosen are not known here: each stream begins with no letter at all.
  const mode: SealMode = encryption.mode === 'all' ? 'all' : { prefixes: [''] };
  return { encryption: { masterKey, mode } };
}

async function openBus(options: OpenOptions): Promise<Bus> {
  // Only now: the store's native parts take longer to load than all of the rest.
  const { openBus: open } = await import('../../actors/open-bus.ts');
  try {
    return await open(options);
  } catch (error) {
    const advice = adviceOn(error);
    if (advice === undefined) throw error;
    const { code, message, detail } = error as BusError;
    throw new BusError(code, `${message}. ${advice}`, detail, { cause: error });
  }
}

function adviceOn(error: unknown): string | undefined {
  if (isBusError(error, 'STORE_LOCKED')) {
    return 'Stop the app that writes it, or do this in the app: bus.deadLetters(name)';
  }
  if (isBusError(error, 'MASTER_KEY_REQUIRED')) return `Set ${masterKeyVariable}, or give a --key-file`;
  return undefined;
}
