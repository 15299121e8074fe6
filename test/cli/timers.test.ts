/** `varvebus timers`: what is to come. */
import { expect, test } from 'vitest';
import { openBus } from '#store';
import { tempDirectory } from '../kit/temp-store.ts';
import { linesOf, runCli } from './child-program.ts';

/** A closed store with three timers, the last of them made first. */
async function storeWithTimers(): Promise<string> {
  const directory = tempDirectory();
  const bus = await openBus({ path: directory, inline: true });
  const at = (day: number) => new Date(Date.UTC(2222, 0, day));
  await bus.schedule('order-3', { type: 'Expired' }, { at: at(3), key: 'third' });
  await bus.schedule('order-1', { type: 'Expired', data: { cents: 12n } }, { at: at(1), key: 'fi\u001brst' });
  await bus.schedule('order-2', { type: 'Warned', metadata: { by: 'ada' } }, { at: at(2), key: 'second' });
  await bus.close();
  return directory;
}

test('timers prints when each is due, what it will append, and its key', async () => {
  const { code, stdout, stderr } = await runCli('timers', await storeWithTimers());

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(linesOf(stdout)).toEqual([
    '2222-01-01T00:00:00.000Z  order-1  Expired  key fi\\x1brst',
    '  { cents: 12n }',
    '2222-01-02T00:00:00.000Z  order-2  Warned  key second',
    "  metadata { by: 'ada' }",
    '2222-01-03T00:00:00.000Z  order-3  Expired  key third',
  ]);
});

test('timers --json prints each timer on a line, and no more than --limit', async () => {
  const { code, stdout } = await runCli('timers', await storeWithTimers(), '--json', '--limit', '2');

  expect(code).toBe(0);
  const common = { scheduledMs: expect.any(Number), id: expect.any(String) };
  expect(linesOf(stdout).map((line) => JSON.parse(line))).toEqual([
    {
      ...common,
      key: 'fi\u001brst',
      dueMs: Date.UTC(2222, 0, 1),
      stream: 'order-1',
      type: 'Expired',
      data: { cents: { $bigint: '12' } },
    },
    {
      ...common,
      key: 'second',
      dueMs: Date.UTC(2222, 0, 2),
      stream: 'order-2',
      type: 'Warned',
      metadata: { by: 'ada' },
    },
  ]);
});

test('timers of a store without any prints nothing', async () => {
  const directory = tempDirectory();
  await (await openBus({ path: directory, inline: true })).close();

  expect(await runCli('timers', directory)).toMatchObject({ code: 0, stdout: '', stderr: '' });
});
