import { expect, test } from 'vitest';
import type { WorkCase } from '../../bench/cases.ts';
import { Samples } from '../../bench/samples.ts';

const rateCase = {
  id: 'a-case',
  unit: 'events/s',
  kind: 'work',
  store: 'empty',
  about: '',
  tasks: { varvebus: () => ({ warmUp: async () => ({ events: 0, checksum: 0 }), run: async () => ({ events: 0 }) }) },
} as const;
const timeCase: WorkCase = { ...rateCase, unit: 'ms' };

function turn(events: number, more: { readonly value?: number; readonly beside?: Record<string, number> } = {}) {
  return { events, checksum: 0, elapsedMs: 500, cpuUs: 1000, ...more };
}

test('the value of a turn is its events by the time it took', () => {
  const samples = new Samples();

  samples.addTurn('varvebus', turn(100));

  expect(samples.report(rateCase)).toMatchObject({ value: 200, cpuUsPerEvent: 10, peers: {} });
});

test('a turn may tell its value itself', () => {
  const samples = new Samples();

  samples.addTurn('varvebus', turn(100, { value: 7 }));

  expect(samples.report(timeCase)).toMatchObject({ unit: 'ms', value: 7, min: 7, max: 7 });
});

test('without events there is no CPU per event', () => {
  const samples = new Samples();

  samples.addTurn('varvebus', turn(0, { value: 7 }));

  expect(samples.report(timeCase).cpuUsPerEvent).toBe(0);
});

test('what a turn measured beside is a peer, paired turn by turn', () => {
  const samples = new Samples();

  for (const value of [3, 30, 6]) samples.addTurn('varvebus', turn(1, { value, beside: { 'append-1': value / 2 } }));

  expect(samples.report(timeCase).peers).toEqual({
    'append-1': { value: 3, min: 1.5, max: 15, cpuUsPerEvent: 0, ratio: 0.5 },
  });
});

test('contenders stay in the order in which they came first', () => {
  const samples = new Samples();

  for (const name of ['varvebus', 'varvebus-inline', 'lmdb-js']) samples.addTurn(name, turn(100));
  for (const name of ['lmdb-js', 'varvebus-inline', 'varvebus']) samples.addTurn(name, turn(100));

  expect(Object.keys(samples.report(rateCase).peers)).toEqual(['varvebus-inline', 'lmdb-js']);
});
