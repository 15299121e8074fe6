import { expect, test } from 'vitest';
import { tempDirectory } from '../kit/temp-store.ts';
import { runCli, startCli, startWriter } from './child-program.ts';
import { damageText, plainStoreOf, storeOf } from './store-fixture.ts';

async function damagedStore(): Promise<string> {
  const directory = await plainStoreOf(
    ['orders', { type: 'Placed', data: { note: 'as it was' } }],
    ['orders', { type: 'Placed', data: { note: 'marked place' } }],
    ['orders', { type: 'Placed', data: { note: 'as it was' } }],
  );
  damageText(directory, 'marked place');
  return directory;
}

test('verify of a sound store says so and ends with exit code 0', async () => {
  const directory = await plainStoreOf(
    ['orders', [{ type: 'Placed' }, { type: 'Paid' }]],
    ['refunds', { type: 'Asked' }],
  );

  const { code, stdout, stderr } = await runCli('verify', directory);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe('ok: 3 events, 2 streams, 2 commits, 2 blocks, 0 idempotency keys; nothing is wrong\n');
});

test('verify --json of a sound store is its report', async () => {
  const directory = await storeOf(['orders', [{ type: 'Placed' }, { type: 'Paid' }]]);

  const { code, stdout, stderr } = await runCli('verify', directory, '--json');

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, head: 2, events: 2, streams: 1, problemCount: 0, problems: [] });
});

test('verify of a damaged store names the place and ends with exit code 1', async () => {
  const directory = await damagedStore();

  const { code, stdout, stderr } = await runCli('verify', directory);

  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(/^DAMAGED: \d+ problems? \(checked 3 events.*\)\n/);
  expect(stdout).toMatch(/\n {2}events_log at 2: /);
});

test('verify --json of a damaged store is its report, with exit code 1', async () => {
  const directory = await damagedStore();

  const { code, stdout, stderr } = await startCli('verify', directory, '--json').ended;

  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ ok: false, head: 3 });
  expect(report.problems).toContainEqual({ table: 'events_log', position: 2, message: expect.any(String) });
});

test('verify finds nothing wrong with a store that another process is writing', async () => {
  const directory = tempDirectory();
  await startWriter(directory);

  const { code, stdout } = await runCli('verify', directory, '--json');

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
});
