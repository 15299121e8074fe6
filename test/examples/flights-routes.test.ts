/** The demo's query: its result does not depend on how the log is split. */
import { expect, test } from 'vitest';
import type { QueryResult, StoredEvent } from '#store';
import { type FlightEvent, streamOf } from '../../examples/flights/flights.ts';
import { longestRoutes } from '../../examples/flights/longest-routes.ts';

function departed(origin: string, destination: string, distance: number): StoredEvent<FlightEvent> {
  const place = { id: '', version: 1, position: 1, timeMs: 0, stream: streamOf(origin), metadata: undefined };
  return { ...place, type: 'Departed', data: { date: '2001/01/01 00:01', delay: 0, distance, destination } };
}

const departures = [
  departed('ATL', 'SEA', 2182),
  departed('BOS', 'SFO', 2704),
  departed('ATL', 'JFK', 760),
  departed('BOS', 'OAK', 2704),
  departed('ATL', 'SEA', 2182),
  departed('DEN', 'BOS', 1754),
];

function fold(events: readonly StoredEvent<FlightEvent>[]) {
  return events.reduce((routes, event) => longestRoutes.step(routes, event), longestRoutes.init());
}

test.each([0, 1, 2, 3, 4, 5, 6])('the longest routes are the same when the log is split behind event %i', (at) => {
  const merged = longestRoutes.merge(fold(departures.slice(0, at)), fold(departures.slice(at)));

  const routes: QueryResult<typeof longestRoutes> = longestRoutes.finish(merged);

  expect(routes).toEqual([
    { airport: 'ATL', flights: 3, destination: 'SEA', distance: 2182 },
    { airport: 'BOS', flights: 2, destination: 'OAK', distance: 2704 },
    { airport: 'DEN', flights: 1, destination: 'BOS', distance: 1754 },
  ]);
});
