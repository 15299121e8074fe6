/**
 * What the demo proves: each check compares what came out of the store with the file, and says what differs.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StoredEvent } from '#store';
import type { DelayStatistics } from './delay-statistics.ts';
import { airportOf, byOrigin, type Flight, type FlightEvent, inLogOrder, streamOf, toEvent } from './flights.ts';
import { type Alert, isLate } from './late-alerts.ts';
import type { LongestRoute } from './longest-routes.ts';
import type { AlertHistory } from './processors.ts';

/** A claim, and what speaks against it: nothing, if it holds. */
export interface Check {
  readonly claim: string;
  readonly differences: readonly string[];
}

/** Differences listed for one check. */
const differencesMax = 5;

export function isTrue({ differences }: Check): boolean {
  return differences.length === 0;
}

export function checkStatistics(claim: string, actual: DelayStatistics, expected: DelayStatistics): Check {
  const differences = new Differences();
  differences.compare('flights', actual.flights, expected.flights);
  differences.compare('late flights', actual.lateFlights, expected.lateFlights);
  const expectedByAirport = new Map(expected.airports().map((delays) => [delays.airport, delays]));
  for (const delays of actual.airports()) {
    differences.compare(delays.airport, delays, expectedByAirport.get(delays.airport));
    expectedByAirport.delete(delays.airport);
  }
  for (const [airport, delays] of expectedByAirport) differences.compare(airport, undefined, delays);
  return { claim, differences: differences.list };
}

/** The number of events of every stream against the flights of every airport. */
export function checkStreams(
  claim: string,
  versionByStream: ReadonlyMap<string, number>,
  flightsByOrigin: ReadonlyMap<string, readonly Flight[]>,
): Check {
  const differences = new Differences();
  differences.compare('streams', versionByStream.size, flightsByOrigin.size);
  for (const [stream, version] of versionByStream) {
    differences.compare(stream, version, flightsByOrigin.get(airportOf(stream))?.length);
  }
  return { claim, differences: differences.list };
}

/**
 * Up to the stop, the alerts of the late flights from the first one on; after the start, those of all late flights behind the
 * cursor. So each was sent at least once, in order, and none a second time that the cursor had recorded.
 */
export function checkAlerts(
  claim: string,
  { beforeStop, cursor, afterStart }: AlertHistory,
  flights: readonly Flight[],
): Check {
  const differences = new Differences();
  const expected = expectedAlerts(flights);
  const compareAll = (when: string, actual: readonly Alert[], wanted: readonly Alert[]) => {
    for (let at = 0; at < Math.max(actual.length, wanted.length); at++) {
      differences.compare(`alert ${at + 1} ${when}`, actual[at], wanted[at]);
    }
  };
  const recorded = expected.filter(({ position }) => position <= cursor);
  compareAll('before the stop', beforeStop, expected.slice(0, Math.max(beforeStop.length, recorded.length)));
  compareAll('after the start', afterStart, expected.slice(recorded.length));
  return { claim, differences: differences.list };
}

/** The longest route of every airport, the airports in any order. */
export function checkRoutes(claim: string, actual: readonly LongestRoute[], flights: readonly Flight[]): Check {
  const differences = new Differences();
  const routeByAirport = new Map(actual.map((route) => [route.airport, route]));
  differences.compare('airports', actual.length, routeByAirport.size);
  for (const [airport, departures] of byOrigin(flights)) {
    const distance = Math.max(...departures.map((flight) => flight.distance));
    const farthest = departures.filter((flight) => flight.distance === distance).map((flight) => flight.destination);
    const expected = { airport, flights: departures.length, destination: farthest.sort()[0], distance };
    differences.compare(airport, routeByAirport.get(airport), expected);
    routeByAirport.delete(airport);
  }
  for (const [airport, route] of routeByAirport) differences.compare(airport, route, undefined);
  return { claim, differences: differences.list };
}

/** Compares events with the flights of their airports, one by one, in the order in which they are given. */
export class OrderCheck {
  readonly #claim: string;
  readonly #flightsByOrigin: ReadonlyMap<string, readonly Flight[]>;
  readonly #seenByStream = new Map<string, number>();
  readonly #differences = new Differences();

  constructor(claim: string, flightsByOrigin: ReadonlyMap<string, readonly Flight[]>) {
    this.#claim = claim;
    this.#flightsByOrigin = flightsByOrigin;
  }

  add({ stream, version, type, data }: StoredEvent<FlightEvent>): void {
    const seen = this.#seenByStream.get(stream) ?? 0;
    this.#seenByStream.set(stream, seen + 1);
    this.#differences.compare(`the next version of ${stream}`, version, seen + 1);
    const flight = this.#flightsByOrigin.get(airportOf(stream))?.[seen];
    this.#differences.compare(`${stream}@${version}`, { type, data }, flight && toEvent(flight));
  }

  /** The result, when all flights of these airports should have come. */
  finish(airports: Iterable<string>): Check {
    for (const airport of airports) {
      const seen = this.#seenByStream.get(streamOf(airport)) ?? 0;
      this.#differences.compare(`events of ${airport}`, seen, this.#flightsByOrigin.get(airport)?.length);
    }
    return { claim: this.#claim, differences: this.#differences.list };
  }
}

function expectedAlerts(flights: readonly Flight[]): Alert[] {
  return inLogOrder(flights).flatMap(({ origin, date, delay }, index) =>
    isLate({ delay }) ? [{ position: index + 1, airport: origin, date, delay }] : [],
  );
}

class Differences {
  readonly list: string[] = [];

  compare(what: string, actual: unknown, expected: unknown): void {
    if (this.list.length >= differencesMax || isDeepStrictEqual(actual, expected)) return;
    this.list.push(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}
