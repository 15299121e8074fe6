/**
 * A query module: the longest route from every airport, found by the reader threads.
 *
 * Each thread folds a part of the log; what two neighbouring parts have found is merged. Of equally long routes the one with
 * the smallest destination code counts, so that the result does not depend on how the log was split.
 */
import type { QueryDefinition } from '#store';
import { airportOf, type FlightEvent } from './flights.ts';

export interface LongestRoute {
  readonly airport: string;
  /** All flights from this airport. */
  readonly flights: number;
  readonly destination: string;
  /** Miles. */
  readonly distance: number;
}

type RouteByAirport = Map<string, LongestRoute>;

export const longestRoutes = {
  init: () => new Map(),
  step: (routes, { stream, data: { destination, distance } }) =>
    withRoute(routes, { airport: airportOf(stream), flights: 1, destination, distance }),
  merge: (first, second) => [...second.values()].reduce(withRoute, first),
  /** Airports with the most flights first; equal ones by code. */
  finish: (routes) =>
    [...routes.values()].sort((left, right) => right.flights - left.flights || (left.airport < right.airport ? -1 : 1)),
} satisfies QueryDefinition<RouteByAirport, undefined, LongestRoute[], FlightEvent>;

function withRoute(routes: RouteByAirport, route: LongestRoute): RouteByAirport {
  const known = routes.get(route.airport);
  if (known === undefined) return routes.set(route.airport, route);
  const longest = isLonger(route, known) ? route : known;
  return routes.set(route.airport, { ...longest, flights: known.flights + route.flights });
}

function isLonger(route: LongestRoute, known: LongestRoute): boolean {
  if (route.distance !== known.distance) return route.distance > known.distance;
  return route.destination < known.destination;
}
