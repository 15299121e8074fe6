/**
 * The read model of the demo: delays by airport, folded flight by flight.
 */

export interface AirportDelays {
  readonly airport: string;
  readonly flights: number;
  readonly meanDelay: number;
}

/** A flight is late when it is delayed by more than this. Minutes. */
export const lateMinutes = 120;
/** Airports with fewer flights have no meaningful mean. */
export const rankedFlightsMin = 50;

export class DelayStatistics {
  flights = 0;
  lateFlights = 0;
  readonly #totals = new Map<string, { flights: number; delay: number }>();

  add(airport: string, delay: number): void {
    const totals = this.#totals.get(airport) ?? { flights: 0, delay: 0 };
    this.#totals.set(airport, totals);
    totals.flights++;
    totals.delay += delay;
    this.flights++;
    if (delay > lateMinutes) this.lateFlights++;
  }

  /** Flights and mean delay of every airport, by code. */
  airports(): AirportDelays[] {
    return [...this.#totals]
      .map(([airport, { flights, delay }]) => ({ airport, flights, meanDelay: delay / flights }))
      .sort(byCode);
  }

  /** The airports with the highest mean delay; equal ones by code. */
  topDelays(count: number): AirportDelays[] {
    return this.airports()
      .filter(({ flights }) => flights >= rankedFlightsMin)
      .sort((left, right) => right.meanDelay - left.meanDelay || byCode(left, right))
      .slice(0, count);
  }
}

function byCode(left: AirportDelays, right: AirportDelays): number {
  return left.airport < right.airport ? -1 : 1;
}
