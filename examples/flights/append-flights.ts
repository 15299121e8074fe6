/**
 * Writes the flights: an hour of departures is one append over all the airports it touches, all or nothing.
 *
 * Many appends are in flight, so that they share a commit and its fsync; their order is that of the calls. Each says which
 * version it expects of every stream, and has a key, by which a second run is recognised.
 */
import type { AppendResult, Bus, StreamAppend } from '#store';
import { byHour, byOrigin, type Flight, type FlightEvent, streamOf, toEvent } from './flights.ts';

/** Most appends whose outcome is not known yet. */
export const inFlightMax = 256;

export interface AppendSummary {
  readonly appends: number;
  /** Events written now, and events that an earlier run had written. */
  readonly appended: number;
  readonly duplicates: number;
  readonly seconds: number;
}

export interface AppendSettings {
  readonly signal: AbortSignal;
  /** Called as flights are acknowledged: how many so far, and when the latest departed. */
  readonly onProgress: (done: number, date: string) => void;
}

export async function appendFlights(
  bus: Bus<FlightEvent>,
  flights: readonly Flight[],
  { signal, onProgress }: AppendSettings,
): Promise<AppendSummary> {
  let [appends, appended, duplicates] = [0, 0, 0];
  const hours = planHours(flights);
  const startMs = performance.now();

  // Each lane takes the next hour when its last one is on disk. An error in one of them ends `hours`, and so the others.
  const lane = async () => {
    for (const { hour, parts } of hours) {
      const results = await bus.appendMany(parts, { idempotencyKey: `departures ${hour}`, signal });
      appends++;
      for (const result of results) {
        if (result.duplicate) duplicates += eventCount(result);
        else appended += eventCount(result);
      }
      onProgress(appended + duplicates, hour);
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, lane));

  return { appends, appended, duplicates, seconds: (performance.now() - startMs) / 1000 };
}

interface HourPlan {
  readonly hour: string;
  readonly parts: readonly StreamAppend<FlightEvent>[];
}

/** The departures of an hour, airport by airport, with the versions their streams will be at. */
function* planHours(flights: readonly Flight[]): Generator<HourPlan, void> {
  const versionByAirport = new Map<string, number>();
  for (const [hour, departures] of byHour(flights)) {
    const parts = [...byOrigin(departures)].map(([airport, some]) => {
      const expectedVersion = versionByAirport.get(airport) ?? 0;
      versionByAirport.set(airport, expectedVersion + some.length);
      return { stream: streamOf(airport), events: some.map(toEvent), expectedVersion };
    });
    yield { hour, parts };
  }
}

function eventCount({ firstVersion, lastVersion }: AppendResult): number {
  return lastVersion - firstVersion + 1;
}
