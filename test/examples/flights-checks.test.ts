/** The demo's own checks: they accept what is right, and one wrong figure is enough to be found. */
import { expect, test } from 'vitest';
import type { StoredEvent } from '#store';
import {
  checkAlerts,
  checkRoutes,
  checkStatistics,
  checkStreams,
  isTrue,
  OrderCheck,
} from '../../examples/flights/checks.ts';
import { DelayStatistics } from '../../examples/flights/delay-statistics.ts';
import { byOrigin, type Flight, type FlightEvent, streamOf, toEvent } from '../../examples/flights/flights.ts';
import type { Alert } from '../../examples/flights/late-alerts.ts';

const flights: readonly Flight[] = [
  { date: '2001/01/01 00:01', delay: 10, distance: 100, origin: 'ATL', destination: 'JFK' },
  { date: '2001/01/01 00:02', delay: 130, distance: 200, origin: 'BOS', destination: 'ATL' },
  { date: '2001/01/01 00:03', delay: 20, distance: 300, origin: 'ATL', destination: 'BOS' },
];

function statisticsOf(some: readonly Flight[]): DelayStatistics {
  const statistics = new DelayStatistics();
  for (const { origin, delay } of some) statistics.add(origin, delay);
  return statistics;
}

function eventOf(flight: Flight, version: number): StoredEvent<FlightEvent> {
  const place = { id: '', version, position: 1, timeMs: 0, stream: streamOf(flight.origin), metadata: undefined };
  return { ...place, ...(toEvent(flight) as FlightEvent) };
}

function changed(index: number, change: Partial<Flight>): Flight[] {
  return flights.map((flight, at) => (at === index ? { ...flight, ...change } : flight));
}

test('statistics rank by mean delay, equal ones by code, and leave out airports with few flights', () => {
  const statistics = new DelayStatistics();
  for (const [airport, delay, count] of [
    ['C', 5, 50],
    ['B', 7, 50],
    ['A', 5, 60],
    ['D', 99, 49],
  ] as const) {
    for (let n = 0; n < count; n++) statistics.add(airport, delay);
  }

  expect(statistics.topDelays(10).map(({ airport }) => airport)).toEqual(['B', 'A', 'C']);
  expect(statistics.topDelays(2)).toHaveLength(2);
});

test('equal statistics pass', () => {
  expect(checkStatistics('same', statisticsOf(flights), statisticsOf(flights)).differences).toEqual([]);
});

test.each([
  ['a delay is wrong', changed(0, { delay: 11 })],
  ['an origin is wrong', changed(0, { origin: 'BOS' })],
  ['an airport is new', changed(0, { origin: 'SFO' })],
  ['a flight is late that was not', changed(0, { delay: 121 })],
  ['a flight is missing', flights.slice(1)],
  ['an airport is missing', [flights[0] as Flight, flights[2] as Flight]],
])('statistics are found wrong when %s', (_, wrong) => {
  expect(checkStatistics('wrong', statisticsOf(wrong), statisticsOf(flights)).differences).not.toEqual([]);
});

test.each([
  ['all is well', { 'airport-ATL': 2, 'airport-BOS': 1 }, 0],
  ['a stream has too few events', { 'airport-ATL': 1, 'airport-BOS': 1 }, 1],
  ['a stream is missing', { 'airport-ATL': 2 }, 1],
  ['there is another stream', { 'airport-ATL': 2, 'airport-BOS': 1, orders: 1 }, 2],
])('streams are compared when %s', (_, versions, count) => {
  const { differences } = checkStreams('streams', new Map(Object.entries(versions)), byOrigin(flights));

  expect(differences).toHaveLength(count);
});

function orderOf(events: readonly StoredEvent<FlightEvent>[]): readonly string[] {
  const check = new OrderCheck('order', byOrigin(flights));
  for (const event of events) check.add(event);
  return check.finish(['ATL', 'BOS']).differences;
}

const [first, second, third] = flights as [Flight, Flight, Flight];

test.each([
  ['all is well', [eventOf(first, 1), eventOf(second, 1), eventOf(third, 2)], 0],
  ['streams are read one after the other', [eventOf(first, 1), eventOf(third, 2), eventOf(second, 1)], 0],
  ['two events of a stream are swapped', [eventOf(third, 2), eventOf(first, 1), eventOf(second, 1)], 4],
  ['an event is missing', [eventOf(first, 1), eventOf(second, 1)], 1],
  ['an event came twice', [eventOf(first, 1), eventOf(second, 1), eventOf(second, 1), eventOf(third, 2)], 3],
  ['a distance is wrong', [eventOf({ ...first, distance: 1 }, 1), eventOf(second, 1), eventOf(third, 2)], 1],
])('order and content are compared when %s', (_, events, count) => {
  expect(orderOf(events)).toHaveLength(count);
});

/** Four late flights. In the log an hour is airport by airport: the third flight is at position 2. */
const someLate: readonly Flight[] = [
  { date: '2001/01/01 00:01', delay: 121, distance: 100, origin: 'ATL', destination: 'JFK' },
  { date: '2001/01/01 00:02', delay: 122, distance: 200, origin: 'BOS', destination: 'ATL' },
  { date: '2001/01/01 00:03', delay: 120, distance: 300, origin: 'ATL', destination: 'BOS' },
  { date: '2001/01/01 01:00', delay: 123, distance: 200, origin: 'BOS', destination: 'ALB' },
  { date: '2001/01/01 01:01', delay: 124, distance: 300, origin: 'ATL', destination: 'AUS' },
];

const alert1: Alert = { position: 1, airport: 'ATL', date: '2001/01/01 00:01', delay: 121 };
const alert3: Alert = { position: 3, airport: 'BOS', date: '2001/01/01 00:02', delay: 122 };
const alert4: Alert = { position: 4, airport: 'BOS', date: '2001/01/01 01:00', delay: 123 };
const alert5: Alert = { position: 5, airport: 'ATL', date: '2001/01/01 01:01', delay: 124 };

test.each([
  ['some come twice', [alert1, alert3], 1, [alert3, alert4, alert5]],
  ['all come twice', [alert1, alert3], 0, [alert1, alert3, alert4, alert5]],
  ['none comes twice', [alert1, alert3], 3, [alert4, alert5]],
  ['nothing was sent before the stop', [], 0, [alert1, alert3, alert4, alert5]],
])('alerts are right when %s', (_, beforeStop, cursor, afterStart) => {
  expect(checkAlerts('alerts', { beforeStop, cursor, afterStart }, someLate).differences).toEqual([]);
});

test.each([
  ['the last one is missing', [alert1, alert3], 1, [alert3, alert4]],
  ['one between is missing', [alert1, alert3], 3, [alert5]],
  ['one before the stop is missing', [alert3], 1, [alert3, alert4, alert5]],
  ['one is recorded as handled that was not sent', [alert1], 3, [alert4, alert5]],
  ['one that was recorded comes again', [alert1, alert3], 3, [alert3, alert4, alert5]],
  ['two are swapped', [alert1, alert3], 3, [alert5, alert4]],
  ['two are swapped before the stop', [alert3, alert1], 3, [alert4, alert5]],
  ['one comes twice in a row', [alert1, alert1, alert3], 3, [alert4, alert5]],
  ['one is of a flight that is not late', [alert1, { ...alert1, position: 2, delay: 120 }], 3, [alert4, alert5]],
  ['one names the wrong airport', [alert1, { ...alert3, airport: 'JFK' }], 3, [alert4, alert5]],
])('alerts are found wrong when %s', (_, beforeStop, cursor, afterStart) => {
  expect(checkAlerts('alerts', { beforeStop, cursor, afterStart }, someLate).differences).not.toEqual([]);
});

const fromAtl = { airport: 'ATL', flights: 3, destination: 'AUS', distance: 300 };
const fromBos = { airport: 'BOS', flights: 2, destination: 'ALB', distance: 200 };

test.each([
  ['all is well', [fromBos, fromAtl], true],
  ['a distance is wrong', [{ ...fromAtl, distance: 301 }, fromBos], false],
  ['a shorter route is given', [{ ...fromAtl, destination: 'JFK', distance: 100 }, fromBos], false],
  ['of equally long routes the wrong one is given', [fromAtl, { ...fromBos, destination: 'ATL' }], false],
  ['flights are not counted right', [{ ...fromAtl, flights: 2 }, fromBos], false],
  ['an airport is missing', [fromAtl], false],
  ['an airport is new', [fromAtl, fromBos, { ...fromAtl, airport: 'JFK' }], false],
  ['an airport is there twice', [fromAtl, fromBos, fromAtl], false],
])('routes are compared when %s', (_, routes, expected) => {
  expect(isTrue(checkRoutes('routes', routes, someLate))).toBe(expected);
});
