import { expect, test } from 'vitest';
import { alignColumns, formatNumber, formatProgress, formatTable, type Report } from '../../bench/report.ts';

const base: Report = {
  machine: 'a machine',
  node: '24.0.0',
  syncUs: 130,
  cases: [
    {
      id: 'append-1024',
      unit: 'events/s',
      value: 300_000,
      min: 250_000,
      max: 310_000,
      cpuUsPerEvent: 2,
      contender: 'varvebus',
      peers: { 'lmdb-js': { value: 100_000, min: 90_000, max: 110_000, cpuUsPerEvent: 5, ratio: 3 } },
    },
  ],
};

function withRatio(ratio: number): Report {
  const [first] = base.cases;
  const peer = { ...first!.peers['lmdb-js']!, ratio };
  return { ...base, cases: [{ ...first!, peers: { 'lmdb-js': peer } }] };
}

test.each([
  [0, '0.00'],
  [0.1234, '0.123'],
  [9.99, '9.99'],
  [99.99, '100'],
  [1234, '1234'],
  [9999, '10.0k'],
  [123_456, '123k'],
  [1_234_567, '1.23M'],
])('%d is shown as %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test('columns are as wide as their widest cell, names flush left and numbers flush right', () => {
  const table = alignColumns([
    ['case', 'unit', 'who', 'value'],
    ['a', 'ms', 'b', '1'],
  ]);

  expect(table).toBe('case  unit  who  value\na     ms    b        1');
});

test('a ratio at its floor is met', () => {
  expect(formatTable(withRatio(2))).toMatch(/ 2x +met$/m);
});

test('a ratio below its floor is missed', () => {
  expect(formatTable(withRatio(1.99))).toMatch(/ 2x +MISSED$/m);
});

test('a case without a floor has nothing to meet', () => {
  const report: Report = { ...base, cases: [{ ...base.cases[0]!, id: 'read-random' }] };

  expect(formatTable(report)).not.toMatch(/met|MISSED/);
});

test('each peer has its own floor', () => {
  const [first] = base.cases;
  const { 'lmdb-js': peer } = first!.peers;
  const peers = { 'varvebus-inline': { ...peer!, ratio: 0.9 }, 'lmdb-js': peer!, 'lmdb-js-shared': peer! };
  const table = formatTable({ ...base, cases: [{ ...first!, peers }] });

  expect(table).toMatch(/varvebus-inline .* 0\.90x +1x +MISSED$/m);
  expect(table).toMatch(/lmdb-js .* 3\.00x +2x +met$/m);
  expect(table).toMatch(/lmdb-js-shared .* 3\.00x$/m);
});

test('a floor of the value is shown in the row of the subject', () => {
  const [first] = base.cases;
  const delay = { ...first!, id: 'delay-1024', unit: 'ms' as const, value: 4.2, peers: {} };
  const drain = { ...first!, id: 'drain', value: 990_000, peers: {} };

  const table = formatTable({ ...base, cases: [delay, drain] });

  expect(table).toMatch(/^delay-1024 .* at most 5\.00 +met$/m);
  expect(table).toMatch(/^drain .* at least 1\.00M +MISSED$/m);
});

test('CPU that was not measured is left out', () => {
  const [first] = base.cases;
  const idle = { ...first!, id: 'idle', unit: 'us/s' as const, value: 300, min: 200, max: 400, cpuUsPerEvent: 0 };

  expect(formatTable({ ...base, cases: [{ ...idle, peers: {} }] })).toMatch(/^idle .* 200 +400 +at most 1000 +met$/m);
});

test('the line about a case that is done has its value and its ratios', () => {
  const [first] = base.cases;

  expect(formatProgress(first!)).toBe('append-1024: 300k events/s, 3.00x lmdb-js');
  expect(formatProgress({ ...first!, peers: {} })).toBe('append-1024: 300k events/s');
});
