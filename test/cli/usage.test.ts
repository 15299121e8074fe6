/** What every command has in common: help, version, wrong command lines, stores that can't be opened. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { tempDirectory } from '../kit/temp-store.ts';
import { runCli, startCli } from './child-program.ts';
import { damageText, plainStoreOf, storeOf, truncate } from './store-fixture.ts';

const commands = ['info', 'read', 'tail', 'verify', 'processors', 'dead-letters', 'ui'];
/** A whole command line of each. */
const lineOf = (command: string, directory: string) =>
  command === 'dead-letters' ? [command, directory, 'mails'] : [command, directory];

test('--help names every command and every exit code', async () => {
  const { code, stdout, stderr } = await runCli('--help');

  expect(code).toBe(0);
  for (const command of commands) expect(stdout).toContain(`varvebus ${command} DIR`);
  expect(stdout).toMatch(/0 {2}all is well\n.*1 {2}.*damage\n.*2 {2}.*\n.*3 {2}/);
  expect(stderr).toBe('');
});

test.each(commands)('%s --help tells how it is used, without a store', async (command) => {
  const { code, stdout } = await runCli(command, '--help');

  expect(code).toBe(0);
  expect(stdout).toContain(`varvebus ${command} DIR`);
  expect(stdout).toContain('Exit codes');
});

test('--version prints the version of the package', async () => {
  const { code, stdout } = await runCli('--version');

  expect({ code, stdout }).toEqual({ code: 0, stdout: `${manifest.version}\n` });
});

test.each([
  ['no command', [], 'a command is missing'],
  ['an unknown command', ['write', 'somewhere'], 'there is no command "write"'],
  ['no directory', ['info'], 'info takes one directory, got 0'],
  ['an empty directory name', ['info', ''], 'info takes one directory'],
  ['two directories', ['info', 'one', 'two'], 'info takes one directory, got 2'],
  ['no name', ['dead-letters', 'somewhere'], 'dead-letters takes one directory and one NAME, got 1'],
  ['a name no processor can have', ['dead-letters', 'somewhere', '$x'], 'the name "$x" of a processor starts with $'],
  ['two verbs', ['dead-letters', 'd', 'n', '--show', '1', '--retry', 'all'], '--show and --retry exclude each other'],
  [
    'a verb with a list option',
    ['dead-letters', 'd', 'n', '--retry', '1', '--limit', '1'],
    '--limit is for the list, not',
  ],
  ['a discard without a reason', ['dead-letters', 'd', 'n', '--discard', '1'], '--discard takes a --reason'],
  ['a reason without a discard', ['dead-letters', 'd', 'n', '--reason', 'x'], '--discard takes a --reason'],
  ['a position that is none', ['dead-letters', 'd', 'n', '--show', '0'], '--show must be a position, got "0"'],
  ['a choice that is none', ['dead-letters', 'd', 'n', '--retry', 'some'], '--retry must be'],
  ['an unknown option', ['read', 'somewhere', '--colour'], "Unknown option '--colour'"],
  ['an option of another command', ['info', 'somewhere', '--limit', '1'], "Unknown option '--limit'"],
  ['a negative number', ['read', 'somewhere', '--limit=-1'], '--limit must be a whole number from 0 on, got "-1"'],
  ['a fraction', ['read', 'somewhere', '--from', '1.5'], '--from must be a whole number'],
  ['a number too large', ['read', 'somewhere', '--to', '9'.repeat(20)], '--to must be a whole number'],
  ['a text for a number', ['tail', 'somewhere', '--after', 'now'], '--after must be a whole number'],
  ['a port that is none', ['ui', 'somewhere', '--port', '65536'], '--port must be at most 65535, got 65536'],
  ['a name no stream can have', ['read', 'somewhere', '--stream', '$x'], 'the stream name "$x" starts with $'],
])('%s is refused with exit code 2', async (_, args, message) => {
  const plain = await runCli(...args);
  const json = await runCli(...args, '--json');

  expect(plain).toMatchObject({ code: 2, stdout: '' });
  expect(plain.stderr).toContain(`varvebus: ${message}`);
  expect(plain.stderr).toContain('--help');
  expect(json).toMatchObject({ code: 2, stdout: '' });
  expect(JSON.parse(json.stderr)).toEqual({
    error: { code: 'USAGE', message: expect.stringContaining(message), detail: {} },
  });
});

test.each(commands)('%s of a directory without a store ends with exit code 3 and makes nothing', async (command) => {
  const directory = join(tempDirectory(), 'none');

  const plain = await runCli(...lineOf(command, directory));
  const json = await runCli(...lineOf(command, directory), '--json');

  expect(plain).toMatchObject({ code: 3, stdout: '' });
  expect(plain.stderr).toMatch(/^varvebus: STORE_NOT_FOUND: .*none/);
  expect(json).toMatchObject({ code: 3, stdout: '' });
  expect(JSON.parse(json.stderr)).toEqual({
    error: { code: 'STORE_NOT_FOUND', message: expect.any(String), detail: { path: directory } },
  });
  expect(existsSync(directory)).toBe(false);
});

test('the process ends with the exit code, and prints where it should', async () => {
  const help = await startCli('--help').ended;
  const wrong = await startCli('info').ended;
  const missing = await startCli('info', join(tempDirectory(), 'none')).ended;

  expect(help).toEqual({ code: 0, stdout: (await runCli('--help')).stdout, stderr: '' });
  expect(wrong).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining('info takes one directory') });
  expect(missing).toEqual({ code: 3, stdout: '', stderr: expect.stringContaining('STORE_NOT_FOUND') });
});

test('a directory named :memory: is a directory', async () => {
  const { code, stderr } = await runCli('info', ':memory:');

  expect(code).toBe(3);
  expect(stderr).toContain('STORE_NOT_FOUND');
});

test('a file of another kind is refused with exit code 3', async () => {
  const directory = await storeOf(['orders', { type: 'Placed' }]);
  writeFileSync(join(directory, 'log.mdb'), 'not a store '.repeat(4096));

  const { code, stdout, stderr } = await runCli('verify', directory, '--json');

  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(JSON.parse(stderr).error.code).toBe('STORE_FORMAT');
});

test('a store too damaged to be opened ends with exit code 3', async () => {
  const directory = await storeOf(['orders', { type: 'Placed' }]);
  truncate(directory, 5000);

  const { code, stdout, stderr } = await runCli('verify', directory);

  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toContain('varvebus: STORE_CORRUPT: ');
});

test('damage that a read meets ends it with exit code 3, after what came before', async () => {
  const large = 'x'.repeat(20_000);
  const directory = await plainStoreOf(
    ['orders', { type: 'Placed', data: large }],
    ['orders', { type: 'Placed', data: `marked place ${large}` }],
  );
  damageText(directory, 'marked place');

  const { code, stderr } = await runCli('read', directory, '--json');

  expect(code).toBe(3);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'STORE_CORRUPT',
    detail: { table: 'events_log', position: 2 },
  });
});

test('control characters of a message are escaped', async () => {
  const { code, stderr } = await runCli('info', '/none/\u001b[31mred\u009b');

  expect(code).toBe(3);
  expect(stderr).toContain('\\x1b[31mred\\x9b');
  for (const control of ['\u001b', '\u009b']) expect(stderr).not.toContain(control);
});
