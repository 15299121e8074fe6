/** What the compiler says of the options of encryption. Nothing here runs. */
import { createSecretKey } from 'node:crypto';
import { type Bus, type EncryptionInfo, type EncryptionOptions, type MasterKeyProvider, openBus } from '#store';

declare const bus: Bus;
declare const bytes: Uint8Array;

export async function masterKeysMayBeGivenInManyWays(): Promise<void> {
  const provider: MasterKeyProvider = { id: 'one', get: async (id) => Buffer.from(id) };
  await openBus({ path: 'p', encryption: { masterKey: bytes } });
  await openBus({ path: 'p', encryption: { masterKey: createSecretKey(bytes), mode: 'all' } });
  await openBus({ path: 'p', encryption: { masterKey: provider, mode: { prefixes: ['person-'] } } });
  await openBus({ path: 'p', encryption: { masterKey: { id: 'one', get: () => createSecretKey(bytes) } } });
  const maybe: EncryptionOptions | undefined = bytes.length > 0 ? { masterKey: bytes } : undefined;
  await openBus({ path: 'p', encryption: maybe });
  await bus.rotateMasterKey(provider);
  await bus.rotateMasterKey(bytes);

  // @ts-expect-error a key as text
  await openBus({ path: 'p', encryption: { masterKey: '00ff' } });
  // @ts-expect-error no key
  await openBus({ path: 'p', encryption: { mode: 'all' } });
  // @ts-expect-error a provider without an id
  await openBus({ path: 'p', encryption: { masterKey: { get: () => bytes } } });
  // @ts-expect-error a mode that is none
  await openBus({ path: 'p', encryption: { masterKey: bytes, mode: 'some' } });
  // @ts-expect-error prefixes that are no list
  await openBus({ path: 'p', encryption: { masterKey: bytes, mode: { prefixes: 'person-' } } });
  // @ts-expect-error a key as text
  await bus.rotateMasterKey('00ff');
}

export function infoTellsOfEncryption(): EncryptionInfo | undefined {
  const { encryption } = bus.info();
  // @ts-expect-error a store may be without
  encryption.keys.toFixed();
  return encryption;
}
