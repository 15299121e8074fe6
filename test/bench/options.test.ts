import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';

test('without options all cases are run', () => {
  const { only, rounds, seconds, json } = parseOptions([]);

  expect(only).toContain('append-1');
  expect(only).toContain('disk-bytes');
  expect({ rounds, seconds, json }).toEqual({ rounds: 15, seconds: 0.5, json: false });
});

test('chosen cases keep the order of the list of cases', () => {
  expect(parseOptions(['--only', 'scan-decoded, append-1']).only).toEqual(['append-1', 'scan-decoded']);
});

test('the cases of the bus can be chosen like the others', () => {
  const bus = ['append-threads-4', 'delay-1024', 'live-200', 'idle', 'drain', 'drain-decoded', 'query-1', 'query-2'];

  expect(parseOptions(['--only', bus.join(',')]).only).toEqual(bus);
});

test('numbers given go over those of --quick', () => {
  expect(parseOptions(['--quick', '--rounds', '5'])).toMatchObject({ rounds: 5, seconds: 0.3, builtEvents: 100_000 });
});

test.each([
  ['a case that is not there', ['--only', 'append-2'], /append-2/],
  ['rounds that are no number', ['--rounds', 'many'], /--rounds/],
  ['a part of a round', ['--rounds', '1.5'], /--rounds/],
  ['no time at all', ['--seconds', '0'], /--seconds/],
  ['an unknown option', ['--fast'], /--fast/],
])('%s is refused by name', (_, args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
