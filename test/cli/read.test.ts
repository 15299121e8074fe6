import { expect, test } from 'vitest';
import { runCommandLine } from '#kernel/cli/run';
import { testKeyEnvironment } from '../kit/test-key.ts';
import { linesOf, runCli, startCli, TextStream } from './child-program.ts';
import { storeOf } from './store-fixture.ts';

/** Eight events: the streams a-1, a-2 and b-1, the types Odd and Even. */
function mixedStore(): Promise<string> {
  const streams = ['a-1', 'b-1', 'a-2', 'a-1', 'b-1', 'a-1', 'a-2', 'b-1'];
  return storeOf(
    ...streams.map((stream, index) => {
      const n = index + 1;
      return [stream, { type: n % 2 === 1 ? 'Odd' : 'Even', data: { n } }] as const;
    }),
  );
}

test('read prints where, what and when of each event, and its data', async () => {
  const directory = await storeOf([
    'order-1',
    [
      { type: 'Placed', id: 'first', data: { item: 'lamp', price: 12n } },
      { type: 'Paid', id: 'second', metadata: { by: 'ada' } },
    ],
  ]);

  const { code, stdout, stderr } = await runCli('read', directory);

  expect(code).toBe(0);
  expect(linesOf(stdout)).toEqual([
    expect.stringMatching(/^1 {2}order-1@1 {2}Placed {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}first$/),
    "  { item: 'lamp', price: 12n }",
    expect.stringMatching(/^2 {2}order-1@2 {2}Paid {2}\S+Z {2}second$/),
    "  metadata { by: 'ada' }",
  ]);
  expect(stderr).toBe('');
});

test('read --json prints each event on a line, without data or metadata where there are none', async () => {
  const directory = await storeOf([
    'order-1',
    [
      { type: 'Placed', id: 'first', data: { item: 'lamp' } },
      { type: 'Paid', id: 'second', metadata: { by: 'ada' } },
    ],
  ]);

  const { code, stdout } = await runCli('read', directory, '--json');

  expect(code).toBe(0);
  const timeMs = expect.any(Number);
  expect(linesOf(stdout).map((line) => JSON.parse(line))).toEqual([
    { position: 1, stream: 'order-1', version: 1, type: 'Placed', timeMs, id: 'first', data: { item: 'lamp' } },
    { position: 2, stream: 'order-1', version: 2, type: 'Paid', timeMs, id: 'second', metadata: { by: 'ada' } },
  ]);
});

test.each([
  ['no option', [], [1, 2, 3, 4, 5, 6, 7, 8]],
  ['--from and --to', ['--from', '3', '--to', '5'], [3, 4, 5]],
  ['--from behind the head', ['--from', '9'], []],
  ['--to beyond the head', ['--from', '8', '--to', '99'], [8]],
  ['--limit', ['--limit', '2'], [1, 2]],
  ['--limit 0', ['--limit', '0'], []],
  ['--backward', ['--backward', '--limit', '3'], [8, 7, 6]],
  ['--backward with a range', ['--backward', '--from', '2', '--to', '4'], [4, 3, 2]],
  ['--type', ['--type', 'Even'], [2, 4, 6, 8]],
  ['--type twice', ['--type', 'Even', '--type', 'Odd', '--limit', '3'], [1, 2, 3]],
  ['--stream', ['--stream', 'a-1'], [1, 4, 6]],
  ['--stream, newest first', ['--stream', 'a-1', '--backward', '--limit', '2'], [6, 4]],
  ['--stream with a range of positions', ['--stream', 'a-1', '--from', '2', '--to', '5'], [4]],
  ['--stream twice', ['--stream', 'a-1', '--stream', 'a-2'], [1, 3, 4, 6, 7]],
  ['--stream and --type', ['--stream', 'a-1', '--type', 'Even'], [4, 6]],
  ['--stream that does not exist', ['--stream', 'c-1'], []],
  ['--prefix', ['--prefix', 'b-'], [2, 5, 8]],
  ['--prefix and --stream', ['--prefix', 'b-', '--stream', 'a-1'], []],
])('read with %s prints the events that are meant', async (_, args, positions) => {
  const directory = await mixedStore();

  const { code, stdout } = await runCli('read', directory, '--json', ...args);

  expect(code).toBe(0);
  expect(linesOf(stdout).map((line) => JSON.parse(line).position)).toEqual(positions);
});

test('read prints a store of many pages whole, in order', async () => {
  const events = Array.from({ length: 5000 }, (_, n) => ({ type: 'Placed', data: { n, text: 'x'.repeat(100) } }));
  const directory = await storeOf(['orders', events]);

  const { stdout } = await runCli('read', directory, '--json');

  expect(linesOf(stdout).map((line) => JSON.parse(line).data.n)).toEqual(events.map(({ data }) => data.n));
});

test.each(['--json', '--stream=orders'])(
  'no control character of the data reaches the output (read %s)',
  async (arg) => {
    const controls = String.fromCharCode(...Array.from({ length: 160 }, (_, code) => code));
    const directory = await storeOf([
      'orders',
      { type: 'Placed', data: { [controls]: `\u001b[2J\u2028${controls}`, set: new Set([controls]) } },
    ]);

    const { code, stdout } = await runCli('read', directory, arg);

    expect(code).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    if (arg === '--json') {
      expect(linesOf(stdout)).toHaveLength(1);
      expect(JSON.parse(stdout).data[controls]).toBe(`\u001b[2J\u2028${controls}`);
    }
  },
);

test('values that JSON has no form for are tagged', async () => {
  const data = { big: 1n, none: undefined, nan: Number.NaN, map: new Map([['k', new Set([1])]]), $bigint: 'mine' };
  const directory = await storeOf(['orders', { type: 'Placed', data }]);

  const { stdout } = await runCli('read', directory, '--json');

  expect(JSON.parse(stdout).data).toEqual({
    big: { $bigint: '1' },
    none: { $undefined: true },
    nan: { $number: 'NaN' },
    map: { $map: [['k', { $set: [1] }]] },
    $$bigint: 'mine',
  });
});

test('on a terminal the output has colors and fits its width', async () => {
  const directory = await storeOf([
    'orders',
    { type: 'Placed', data: { left: 'x'.repeat(30), right: 'y'.repeat(30) } },
  ]);
  const terminal = Object.assign(new TextStream(), { isTTY: true, columns: 60, hasColors: () => true });

  const code = await runCommandLine(['read', directory], {
    stdout: terminal,
    stderr: new TextStream(),
    env: { ...testKeyEnvironment },
  });

  expect(code).toBe(0);
  expect(terminal.text).toContain('\u001b[1mPlaced\u001b[22m');
  expect(terminal.text.split('\n').length).toBeGreaterThan(3);
});

test('read ends quietly when its reader has gone', async () => {
  const events = Array.from({ length: 5000 }, () => ({ type: 'Placed', data: 'x'.repeat(500) }));
  const directory = await storeOf(['orders', events]);

  const cli = startCli('read', directory, '--json');
  cli.child.stdout?.once('data', () => cli.child.stdout?.destroy());
  const { code, stdout, stderr } = await cli.ended;

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(linesOf(stdout).length).toBeLessThan(5000);
});
