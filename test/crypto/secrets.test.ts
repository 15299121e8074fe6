import { expect, test } from 'vitest';
import { StoreSecrets } from '#kernel/crypto/secrets';

const values = () => ({
  wrapId: 1,
  cryptoId: new Uint8Array(16).fill(1),
  wrappingKey: new Uint8Array(32).fill(2),
  tagKey: new Uint8Array(32).fill(3),
});

test('a rotation that ends after the store was closed puts no secrets into memory again', () => {
  const secrets = new StoreSecrets();
  secrets.set(values());
  secrets.clear();

  secrets.set(values());

  expect(secrets.wrapping()).toBeUndefined();
  expect(new Uint8Array(secrets.memory, 8).some((byte) => byte !== 0)).toBe(false);
});
