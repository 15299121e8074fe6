/** `varvebus tail` beside a process that keeps writing. */
import { expect, test } from 'vitest';
import { openBus } from '#store';
import { tempDirectory } from '../kit/temp-store.ts';
import { linesOf, runCli, startCli, startWriter } from './child-program.ts';
import { storeOf } from './store-fixture.ts';

function positionsIn(lines: readonly string[]): number[] {
  return lines.map((line) => JSON.parse(line).position);
}

function consecutive(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'tail follows what another process writes, from the head on, until %s',
  async (signal) => {
    const directory = tempDirectory();
    await startWriter(directory);
    const bus = await openBus({ path: directory, readOnly: true });
    const headBefore = bus.head;

    const cli = startCli('tail', directory, '--json');
    await cli.untilLines(50);
    cli.child.kill(signal);
    const { code, stdout, stderr } = await cli.ended;

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const positions = positionsIn(linesOf(stdout));
    expect(positions[0]).toBeGreaterThan(headBefore);
    expect(positions).toEqual(consecutive(positions[0] as number, positions.length));
    expect(stdout.endsWith('\n')).toBe(true);
    await bus.close();
  },
);

test('tail --after 0 begins at the beginning and crosses over to what is being written', async () => {
  const directory = tempDirectory();
  await startWriter(directory);

  const { code, stdout } = await startCli('tail', directory, '--json', '--after', '0', '--limit', '200').ended;

  expect(code).toBe(0);
  expect(positionsIn(linesOf(stdout))).toEqual(consecutive(1, 200));
});

test('tail --after N begins behind N', async () => {
  const directory = await storeOf(['orders', [{ type: 'Placed' }, { type: 'Paid' }, { type: 'Sent' }]]);

  const { code, stdout } = await runCli('tail', directory, '--json', '--after', '1', '--limit', '2');

  expect(code).toBe(0);
  expect(positionsIn(linesOf(stdout))).toEqual([2, 3]);
});

test('tail prints only what its filters select', async () => {
  const directory = tempDirectory();
  await startWriter(directory);
  const filters = ['--type', 'Even', '--prefix', 'tick', '--stream', 'ticks'];

  const { stdout } = await runCli('tail', directory, '--json', '--after', '0', '--limit', '3', ...filters);

  expect(positionsIn(linesOf(stdout))).toEqual([2, 4, 6]);
});

test('tail without --json prints events for people', async () => {
  const directory = tempDirectory();
  await startWriter(directory);

  const { code, stdout } = await runCli('tail', directory, '--after', '0', '--limit', '1');

  expect(code).toBe(0);
  expect(stdout).toMatch(/^1 {2}ticks@1 {2}Odd {2}.*\n {2}\{ n: 1 \}\n$/);
});

test('tail --limit 0 prints nothing and does not wait', async () => {
  const directory = await storeOf(['orders', { type: 'Placed' }]);

  expect(await runCli('tail', directory, '--limit', '0')).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('tail ends quietly when its reader has gone', async () => {
  const directory = tempDirectory();
  await startWriter(directory);

  const cli = startCli('tail', directory, '--json');
  cli.child.stdout?.once('data', () => cli.child.stdout?.destroy());
  const { code, stderr } = await cli.ended;

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('tail stays when the writer goes, and goes on with the next one', async () => {
  const directory = await storeOf(['orders', { type: 'Placed' }]);
  const cli = startCli('tail', directory, '--json', '--after', '0');
  await cli.untilLines(1);

  const bus = await openBus({ path: directory });
  await bus.append('orders', { type: 'Paid' });
  await bus.close();

  expect(positionsIn(await cli.untilLines(2))).toEqual([1, 2]);
});
