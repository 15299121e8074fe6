import { expect, test } from 'vitest';
import { cases, contendersOf, needsBuilt } from '../../bench/cases.ts';
import { subject } from '../../bench/contenders.ts';

test('the subject takes part in every case, before its peers, but behind itself with encryption', () => {
  for (const one of cases) {
    const expected = one.id.startsWith('sealed-') ? ['varvebus-sealed', subject] : [subject];
    expect(contendersOf(one).slice(0, expected.length)).toEqual(expected);
    expect(contendersOf(one).includes('varvebus-sealed')).toBe(expected.length === 2);
  }
});

test('the append cases are measured against the writer in the same thread, too', () => {
  const inline = cases.filter((one) => contendersOf(one).includes('varvebus-inline')).map(({ id }) => id);

  expect(inline).toEqual(['append-1', 'append-batch-100', 'append-1024', 'append-threads-4', 'delay-1024']);
});

test('the stores are compared before a processor leaves cursors in one', () => {
  const built = cases.filter(needsBuilt).map(({ id }) => id);

  expect(built.slice(built.indexOf('drain'))).toEqual([
    'drain',
    'drain-decoded',
    'dashboard-drain',
    'handler-threads-2',
    'project-1000',
    'drain-parked',
    'query-1',
    'query-2',
  ]);
});

test('every case has a name of its own', () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
});
