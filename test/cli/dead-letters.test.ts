import { expect, test } from 'vitest';
import { openBus } from '#store';
import { type TempStore, tempStore } from '../kit/temp-store.ts';
import { runCli } from './child-program.ts';

const escapeCode = String.fromCharCode(0x1b);

/** A closed store in which the processor `mails` gave up three events, with an error that would colour a terminal. */
async function storeWithLetters(): Promise<TempStore> {
  const store = tempStore('lmdb');
  const bus = await store.openBus({ clock: () => 1_000_000_000_000 });
  bus.errors$.subscribe();
  for (const stream of ['orders-1', 'orders-2', 'orders-1', 'orders-3']) {
    await bus.append(stream, { type: 'Placed', data: { note: `for ${stream}` } });
  }
  const processor = bus.processor({
    name: 'mails',
    onFailure: 'dead-letter',
    retry: { attempts: 0 },
    handle: ({ stream }) => {
      if (stream !== 'orders-3') throw Object.assign(new Error(`no ${escapeCode}[31mmail`), { code: 'EMAIL' });
    },
  });
  processor.start();
  await processor.caughtUp();
  await bus.close();
  return store;
}

test('dead-letters lists what a processor gave up, without a control character', async () => {
  const { directory } = await storeWithLetters();

  const { code, stdout } = await runCli('dead-letters', directory, 'mails');

  expect(code).toBe(0);
  const last = '1 try, last 2001-09-09T01:46:40.000Z';
  expect(stdout).toBe(
    [
      `1  orders-1@1  Placed  dead, ${last}`,
      '  Error [EMAIL]: no \\x1b[31mmail',
      `2  orders-2@1  Placed  dead, ${last}`,
      '  Error [EMAIL]: no \\x1b[31mmail',
      `3  orders-1@2  Placed  dead, ${last}`,
      '  Error [EMAIL]: no \\x1b[31mmail',
      '',
    ].join('\n'),
  );
  expect((await runCli('dead-letters', directory, 'nobody')).stdout).toBe('no dead letters\n');
});

test('--after, --limit and --stream choose from the list; --json gives a line for each', async () => {
  const { directory } = await storeWithLetters();
  const positions = async (...args: string[]) => {
    const { stdout } = await runCli('dead-letters', directory, 'mails', '--json', ...args);
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line).position);
  };

  expect(await positions('--after', '1')).toEqual([2, 3]);
  expect(await positions('--limit', '1')).toEqual([1]);
  expect(await positions('--limit', '0')).toEqual([]);
  expect(await positions('--stream', 'orders-1')).toEqual([1, 3]);
  const { stdout } = await runCli('dead-letters', directory, 'mails', '--limit', '1', '--json');
  expect(JSON.parse(stdout)).toEqual({
    position: 1,
    stream: 'orders-1',
    version: 1,
    type: 'Placed',
    state: 'dead',
    isParked: false,
    parkedBehind: 0,
    generation: 1,
    attempts: 1,
    firstMs: 1_000_000_000_000,
    lastMs: 1_000_000_000_000,
    error: { name: 'Error', message: `no ${escapeCode}[31mmail`, code: 'EMAIL', stack: expect.stringContaining('at ') },
  });
});

test('--show gives one with its stack and its event', async () => {
  const { directory } = await storeWithLetters();

  const text = await runCli('dead-letters', directory, 'mails', '--show', '2');
  const json = await runCli('dead-letters', directory, 'mails', '--show', '2', '--json');
  const none = await runCli('dead-letters', directory, 'mails', '--show', '4');

  expect(text.code).toBe(0);
  expect(text.stdout).toContain('2  orders-2@1  Placed  dead');
  expect(text.stdout).toMatch(/\n {4} {4}at .*dead-letters\.test/);
  expect(text.stdout).toContain("{ note: 'for orders-2' }");
  expect(text.stdout).not.toContain(escapeCode);
  expect(JSON.parse(json.stdout)).toMatchObject({
    position: 2,
    event: { position: 2, data: { note: 'for orders-2' } },
  });
  expect(none).toMatchObject({ code: 3, stdout: '' });
  expect(none.stderr).toBe('varvebus: NO_DEAD_LETTER: "mails" has no dead letter at position 4\n');
});

test('--retry has the processor try them when it starts, and --discard takes them off the list', async () => {
  const store = await storeWithLetters();
  const { directory } = store;

  const retried = await runCli('dead-letters', directory, 'mails', '--retry', '1');
  const discarded = await runCli('dead-letters', directory, 'mails', '--discard', '2', '--reason', 'a test');
  const listed = await runCli('dead-letters', directory, 'mails');
  const again = await runCli('dead-letters', directory, 'mails', '--retry', '2');
  const bus = await store.openBus();
  const seen: number[] = [];
  const processor = bus.processor({ name: 'mails', handle: ({ position }) => seen.push(position) });
  processor.start();
  await expect.poll(() => seen).toEqual([1]);
  await bus.close();

  expect(retried).toMatchObject({
    code: 0,
    stdout: '1 dead letter to be tried again when the processor starts next\n',
  });
  expect(discarded).toMatchObject({ code: 0, stdout: '1 dead letter discarded\n' });
  expect(listed.stdout).toContain('1  orders-1@1  Placed  waiting');
  expect(listed.stdout).not.toContain('orders-2');
  expect(again).toMatchObject({ code: 0, stdout: 'nothing to try again: they wait already, or are discarded\n' });
  const shown = await runCli('dead-letters', directory, 'mails', '--show', '2');
  expect(shown.stdout).toContain('  discarded: a test\n');
});

test('what else a writer does is left to the app: no timer fires', async () => {
  const store = await storeWithLetters();
  const { directory } = store;
  const app = await store.openBus({ clock: () => 1_000_000_000_000 });
  await app.schedule('orders-1', { type: 'Reminded' }, { key: 'late', delayMs: 1000 });
  await app.close();

  const { code } = await runCli('dead-letters', directory, 'mails', '--retry', 'all');

  const reader = await openBus({ path: directory, readOnly: true });
  expect({ code, head: reader.head }).toEqual({ code: 0, head: 4 });
  await reader.close();
});

test('all of them at once, in JSON; and one that does not exist', async () => {
  const { directory } = await storeWithLetters();
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli('dead-letters', directory, 'mails', '--json', ...args);
    return { code, ...JSON.parse(stdout || stderr) };
  };

  expect(await json('--retry', 'all')).toEqual({ code: 0, handled: 0, failed: 0, waiting: 3 });
  expect(await json('--discard', 'all', '--reason', 'a test')).toEqual({ code: 0, discarded: 3 });
  expect(await json('--discard', '4', '--reason', 'a test')).toMatchObject({
    code: 3,
    error: { code: 'NO_DEAD_LETTER' },
  });
});

test('while an app has the store open, letters can be read and not changed: it says what to do', async () => {
  const { directory } = await storeWithLetters();
  const bus = await openBus({ path: directory });

  const read = await runCli('dead-letters', directory, 'mails', '--json');
  const retry = await runCli('dead-letters', directory, 'mails', '--retry', 'all');

  expect(read.code).toBe(0);
  expect(retry).toMatchObject({ code: 3, stdout: '' });
  expect(retry.stderr).toMatch(/^varvebus: STORE_LOCKED: .*\. Stop the app that writes it, or do this in the app/);
  await bus.close();
});
