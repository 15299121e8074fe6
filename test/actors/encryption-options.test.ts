import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { masterKeyOf, resolveEncryption } from '#actors/encryption-options';
import { openBus } from '#store';

const key = randomBytes(32);
const { privateKey } = generateKeyPairSync('ed25519');

test.each<[string, unknown, RegExp]>([
  ['no object', 'all', /^encryption must be an object with a masterKey, got string$/],
  ['the key itself', key, /^encryption must be an object with a masterKey, got 32 bytes$/],
  ['null', null, /^encryption must be /],
  [
    'an unknown name',
    { masterKey: key, modes: 'all' },
    /^encryption has no option "modes"; it has masterKey, mode, ledger$/,
  ],
  ['no key', {}, /^encryption.masterKey must be 32 bytes.*got undefined$/],
  ['a short key', { masterKey: key.subarray(1) }, /^encryption.masterKey must be 32 bytes.*got 31 bytes$/],
  ['a long key', { masterKey: Buffer.alloc(64, key) }, /^encryption.masterKey must be 32 bytes.*got 64 bytes$/],
  ['a key as text', { masterKey: key.toString('hex') }, /^encryption.masterKey must be 32 bytes.*got string$/],
  ['a short KeyObject', { masterKey: createSecretKey(key.subarray(16)) }, /got a secret KeyObject$/],
  ['another kind of key', { masterKey: privateKey }, /^encryption.masterKey must be .*got a private KeyObject$/],
  ['a provider without get', { masterKey: { id: 'one' } }, /^encryption.masterKey must be .*without get\(id\)$/],
  ['a provider without id', { masterKey: { get: () => key } }, /^encryption.masterKey.id must be 1 to 512 bytes/],
  ['a provider with a long id', { masterKey: { id: 'ü'.repeat(257), get: () => key } }, /^encryption.masterKey.id /],
  ['an unknown mode', { masterKey: key, mode: 'some' }, /^encryption.mode must be 'all' or \{ prefixes \}/],
  ['no mode', { masterKey: key, mode: null }, /^encryption.mode must be /],
  ['prefixes that are no texts', { masterKey: key, mode: { prefixes: ['a', 7] } }, /^encryption.mode must be /],
  ['prefixes of streams of ours', { masterKey: key, mode: { prefixes: ['$bus'] } }, /^encryption.mode must be /],
  ['an unknown name in mode', { masterKey: key, mode: { prefixes: [], types: [] } }, /^encryption.mode has no option/],
])('encryption with %s is a TypeError that says nothing of the key', async (_, encryption, message) => {
  const opened = openBus({ path: ':memory:', encryption } as never);

  const error = await opened.catch((caught: unknown) => caught);

  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain(key.toString('hex'));
});

test('bytes are copied: what was given may be zeroed at once', () => {
  const given = Uint8Array.from(key);
  const { masterKey } = resolveEncryption({ masterKey: given }) ?? expect.fail();

  given.fill(0);

  expect((masterKey.get('any') as KeyObject).export()).toEqual(key);
});

test('a key may be bytes of any kind, also shared ones, or a KeyObject', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(32));
  shared.set(key);
  const object = createSecretKey(key);

  for (const given of [key, Uint8Array.from(key), shared]) expect(masterKeyOf('key', given).export()).toEqual(key);
  expect(masterKeyOf('key', object)).toBe(object);
});

test('all events are sealed unless prefixes say which', () => {
  const provider = { id: 'one', get: () => key };
  const prefixes = ['person-', ''];

  expect(resolveEncryption(undefined)).toBeUndefined();
  expect(resolveEncryption({ masterKey: provider })).toMatchObject({ mode: 'all', masterKey: { id: 'one' } });
  expect(resolveEncryption({ masterKey: key, mode: { prefixes } })).toMatchObject({ mode: { prefixes } });
});

test('a provider is asked on itself', () => {
  class Vault {
    readonly id = 'first';
    readonly asked: string[] = [];
    get(id: string): Uint8Array {
      this.asked.push(id);
      return key;
    }
  }
  const vault = new Vault();

  resolveEncryption({ masterKey: vault })?.masterKey.get('second');

  expect(vault.asked).toEqual(['second']);
});
