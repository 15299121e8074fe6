/**
 * With TEST_SEALED every store of the tests is encrypted, with a key that is always the same, unless a test gives `encryption`
 * itself: `undefined` for one that looks at bytes which encryption changes. Also what programs of tests are started with.
 */
import type { OpenOptions } from '#actors/options';

export const isSealed = Boolean(process.env.TEST_SEALED);

/** As many bytes as a master key has. */
export const testKey = Uint8Array.from({ length: 32 }, (_, index) => index);

/** What commands take the master key from. */
export const testKeyEnvironment: NodeJS.ProcessEnv = isSealed
  ? { VARVEBUS_MASTER_KEY: Buffer.from(testKey).toString('hex') }
  : {};

export function withTestKey<Options extends Omit<OpenOptions, 'path'>>(options: Options): Options {
  if (!isSealed || 'encryption' in options) return options;
  return { ...options, encryption: { masterKey: testKey } };
}

/**
 * What Node itself is given: the conditions by which '#store' means the sources or the built package, and either with
 * encryption (sealed-store.ts).
 */
export const nodeArguments: readonly string[] = [
  ...(isSealed ? ['--conditions=sealed'] : []),
  ...(process.env.TEST_DIST ? [] : ['--conditions=source']),
];
