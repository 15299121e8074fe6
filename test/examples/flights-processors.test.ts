/** The demo's processors: when the alert service fails, that half-way means half-way, and how state changes are told. */
import { expect, test } from 'vitest';
import type { ProcessorState, ProcessorStatus } from '#store';
import { type FlightEvent, streamOf } from '../../examples/flights/flights.ts';
import { type Alert, AlertService, busyEvery } from '../../examples/flights/late-alerts.ts';
import { runProcessors } from '../../examples/flights/processors.ts';
import { showProgress } from '../../examples/flights/progress.ts';
import { stateChanges } from '../../examples/flights/state-changes.ts';
import { tempBus } from '../kit/temp-store.ts';

const alert: Alert = { position: 1, airport: 'ATL', date: '2001/01/01 00:01', delay: 121 };

test('the alert service is busy at every so many calls, and sends nothing then', async () => {
  const service = new AlertService(0);
  const { signal } = new AbortController();

  for (let call = 1; call < busyEvery; call++) await service.send(alert, signal);
  await expect(service.send(alert, signal)).rejects.toThrow('busy');
  await service.send(alert, signal);

  expect(service.sent).toHaveLength(busyEvery);
});

test('the alert service sends one alert without an answer', async () => {
  const service = new AlertService(2);
  const left = new AbortController();

  await service.send(alert, left.signal);
  const unanswered = service.send(alert, left.signal);
  await service.silence;
  const sent = service.sent.length;
  left.abort();
  await unanswered;

  expect(sent).toBe(2);
});

test('the alert that had no answer comes again, and nothing that was recorded', async () => {
  const bus = await tempBus<FlightEvent>();
  const departed = (delay: number): FlightEvent => ({
    type: 'Departed',
    data: { date: '2001/01/01 00:01', delay, distance: 100, destination: 'JFK' },
  });
  const imported = bus.append(streamOf('ATL'), [121, 0, 122, 123, 0].map(departed));

  const { processors, statistics, alerts } = await runProcessors(bus, {
    silentAt: 2,
    isReplay: false,
    imported,
    onStatus: () => undefined,
  });

  const positions = (some: readonly Alert[]) => some.map(({ position }) => position);
  expect(positions(alerts.beforeStop)).toEqual([1, 3]);
  expect(positions(alerts.afterStart)).toEqual([1, 3, 4].filter((position) => position > alerts.cursor));
  expect(alerts.cursor).toBeLessThan(3);
  expect(statistics.flights).toBe(5);
  expect(processors).toEqual([
    { name: 'delay-statistics', state: 'live', position: 5, retries: 0 },
    { name: 'late-alerts', state: 'live', position: 5, retries: 0 },
  ]);
});

function linesFor(states: readonly ProcessorState[]): string[] {
  const lines: string[] = [];
  const tell = stateChanges((line) => lines.push(line.replaceAll(/ +/g, ' ')));
  for (const state of states) tell({ name: 'p', state, context: { position: 1000 } } as ProcessorStatus);
  return lines;
}

test('a hundred retries are told in two lines', () => {
  const retries = Array.from({ length: 100 }, () => ['retrying', 'live'] as const).flat();

  expect(linesFor(['idle', 'loading', 'live', ...retries])).toEqual([
    'p idle → live at 1,000',
    'p live → retrying at 1,000',
    'p retrying → live at 1,000',
  ]);
});

test('after a stop, changes are told anew', () => {
  const run = ['loading', 'live', 'retrying', 'live', 'stopped'] as const;

  expect(linesFor([...run, 'idle', ...run]).slice(3)).toEqual([
    'p live → stopped at 1,000',
    'p stopped → live at 1,000',
    'p live → retrying at 1,000',
    'p retrying → live at 1,000',
    'p live → stopped at 1,000',
  ]);
});

test('on a terminal, lines go above the progress bar', () => {
  let written = '';
  const write = (text: string) => {
    written += text;
    return true;
  };
  const stream = { isTTY: true, write };
  const { update, say } = showProgress(stream as unknown as NodeJS.WriteStream, 10);

  update(5, '2001/01/01 00:01');
  say('something happened');
  update(10, '2001/01/01 00:02');
  say('something else');

  const bar = `${'█'.repeat(15)}${'░'.repeat(15)}  5 of 10 flights  2001/01/01`;
  const clear = '\r\u001b[2K';
  expect(written).toBe(`${clear}${bar}${clear}something happened\n${bar}${clear}${clear}something else\n`);
});
