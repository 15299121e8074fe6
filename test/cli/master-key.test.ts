/** Where commands take the master key from, and what they say when it is missing, wrong, or lies open. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommandLine } from '#kernel/cli/run';
import { openBus } from '#store';
import { tempDirectory, tempStore } from '../kit/temp-store.ts';
import { TextStream } from './child-program.ts';

const key = randomBytes(32);

/** Runs a command with just this environment. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const [stdout, stderr] = [new TextStream(), new TextStream()];
  const code = await runCommandLine(args, { stdout, stderr, env });
  return { code, stdout: stdout.text, stderr: stderr.text, env };
}

async function encryptedStore(mode: 'all' | { prefixes: string[] } = 'all'): Promise<string> {
  const { directory } = tempStore('lmdb');
  const bus = await openBus({ path: directory, encryption: { masterKey: { id: 'kms-7', get: () => key }, mode } });
  await bus.append('orders', { type: 'Placed', data: { item: 'a secret pen' } });
  await bus.close();
  return directory;
}

function keyFile(content: string | Uint8Array, mode = 0o600): string {
  const file = join(tempDirectory(), 'key');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

test.each<[string, string]>([
  ['hexadecimal digits', key.toString('hex')],
  ['capital ones and a line end', `${key.toString('hex').toUpperCase()}\n`],
  ['base64', key.toString('base64')],
  ['base64 for URLs', key.toString('base64url')],
])('the variable holds the key as %s', async (_, text) => {
  const directory = await encryptedStore();

  const { code, stdout, env } = await run(['read', directory], { VARVEBUS_MASTER_KEY: text });

  expect(code).toBe(0);
  expect(stdout).toContain('a secret pen');
  // No thread or child process inherits it.
  expect(env).toEqual({});
});

test.each<[string, string | Uint8Array]>([
  ['bytes', key],
  ['hexadecimal digits', `${key.toString('hex')}\n`],
  ['base64', key.toString('base64')],
])('a key file holds the key as %s, and goes before the variable', async (_, content) => {
  const directory = await encryptedStore();
  const wrong = randomBytes(32).toString('hex');

  const { code, stdout, stderr } = await run(['read', directory, '--key-file', keyFile(content)], {
    VARVEBUS_MASTER_KEY: wrong,
  });

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('a secret pen');
});

test('a key file that others may read is told of, on one line, but not to programs', async () => {
  const directory = await encryptedStore();
  const file = keyFile(key, 0o640);

  const shown = await run(['info', directory, '--key-file', file]);
  const json = await run(['info', directory, '--key-file', file, '--json']);

  expect(shown.stderr).toMatch(/^varvebus: other users may have access to the key file .*640.*\n$/);
  expect(json).toMatchObject({ code: 0, stderr: '' });
});

test('without a key it is said where one is taken from', async () => {
  const directory = await encryptedStore();

  const { code, stderr } = await run(['verify', directory]);

  expect(code).toBe(3);
  expect(stderr).toContain('MASTER_KEY_REQUIRED');
  expect(stderr).toContain('Set VARVEBUS_MASTER_KEY, or give a --key-file');
});

test('a wrong key is told with its code, and not shown', async () => {
  const directory = await encryptedStore();
  const text = randomBytes(32).toString('hex');

  const { code, stderr } = await run(['info', directory, '--json'], { VARVEBUS_MASTER_KEY: text });

  expect(code).toBe(3);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'MASTER_KEY_WRONG' } });
  expect(stderr).not.toContain(text);
});

test.each<[string, () => readonly string[], NodeJS.ProcessEnv, RegExp]>([
  ['a variable that is no key', () => [], { VARVEBUS_MASTER_KEY: 'topsecret' }, /VARVEBUS_MASTER_KEY must be 64 hex/],
  [
    'a key that is too short',
    () => [],
    { VARVEBUS_MASTER_KEY: 'topsecret00' },
    /must be 64 hexadecimal digits, or base64/,
  ],
  [
    'a file that is not there',
    () => ['--key-file', '/nothing/here'],
    {},
    /--key-file \/nothing\/here can't be read: ENOENT/,
  ],
  ['a file without a key', () => ['--key-file', keyFile('topsecret')], {}, /--key-file .* must hold 64 hexadecimal/],
  ['a file that is too large', () => ['--key-file', keyFile('topsecret'.repeat(1000))], {}, /too large to be a key/],
])('%s is refused before anything is opened, and not shown', async (_, args, env, message) => {
  const { code, stderr } = await run(['info', '/nothing', ...args()], env);

  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('topsecret');
});

test('info tells of encryption, and nothing that is secret', async () => {
  const directory = await encryptedStore();
  const env = { VARVEBUS_MASTER_KEY: key.toString('hex') };

  const shown = await run(['info', directory], { ...env });
  const json = await run(['info', directory, '--json'], { ...env });

  expect(shown.stdout).toContain('encryption   of all streams, 1 keys, 0 erased, 0 events plain, master key kms-7\n');
  expect(JSON.parse(json.stdout)).toMatchObject({
    encryption: { mode: 'all', masterKeyId: 'kms-7', keys: 1, erasedKeys: 0, plainEvents: 0 },
  });
});

test('read tells erased events from those without data', async () => {
  const directory = await encryptedStore();
  const bus = await openBus({ path: directory, encryption: { masterKey: key } });
  await bus.append('news', { type: 'Bare' });
  await bus.erase({ stream: 'orders' });
  await bus.close();
  const env = { VARVEBUS_MASTER_KEY: key.toString('hex') };

  const shown = await run(['read', directory, '--to', '2'], { ...env });
  const json = await run(['read', directory, '--to', '2', '--json'], { ...env });

  expect(shown.stdout).toMatch(/^1 .*Placed {2}\(erased\) .*\n2 .*Bare(?!.*erased).*\n$/);
  const [erased, bare] = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(erased).toMatchObject({ type: 'Placed', erased: true });
  expect(Object.keys(bare)).not.toContain('erased');
});

test('a command that writes leaves a plain store plain, and a store with prefixes as it promises', async () => {
  const { directory } = tempStore('lmdb');
  const bus = await openBus({ path: directory, encryption: undefined });
  await bus.append('orders', { type: 'Placed' });
  await bus.close();
  const some = await encryptedStore({ prefixes: ['person-'] });
  const env = { VARVEBUS_MASTER_KEY: key.toString('hex') };

  const plain = await run(['dead-letters', directory, 'mails', '--retry', 'all'], { ...env });
  const sealed = await run(['dead-letters', some, 'mails', '--retry', 'all'], { ...env });

  expect([plain.code, sealed.code]).toEqual([0, 0]);
  expect(readdirSync(directory)).not.toContain('keys');
  expect(JSON.parse((await run(['info', some, '--json'], { ...env })).stdout)).toMatchObject({
    encryption: { mode: 'prefixes', plainEvents: 1 },
  });
});
