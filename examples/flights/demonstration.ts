/**
 * What the demo does, step by step: appends while a subscription counts, reopens the store, reads it back, and compares
 * every figure with the file.
 */
import { type Bus, openBus } from '#store';
import { type AppendSummary, appendFlights } from './append-flights.ts';
import { type Check, checkStatistics, checkStreams, OrderCheck } from './checks.ts';
import { type AirportDelays, DelayStatistics } from './delay-statistics.ts';
import { airportOf, byOrigin, type Flight, type FlightEvent, streamOf, toEvent } from './flights.ts';

export interface DemoReport extends AppendSummary {
  readonly events: number;
  readonly streams: number;
  readonly topDelays: readonly AirportDelays[];
  readonly lateFlights: number;
  readonly scanSeconds: number;
  readonly sizeBytes: number;
  readonly checks: readonly Check[];
}

export interface DemoSettings {
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, date: string) => void;
}

const ranksShown = 10;
/** A key is remembered for a year, so that a run on a kept store recognises what is there. */
const idempotencyTtlMs = 365 * 24 * 3600 * 1000;

export async function demonstrate(flights: readonly Flight[], settings: DemoSettings): Promise<DemoReport> {
  const { written, live } = await write(flights, settings);
  return await readBack(flights, settings, written, live);
}

/** Appends the flights, and counts delays as they arrive. */
async function write(flights: readonly Flight[], { directory, signal, onProgress }: DemoSettings) {
  const bus = await openBus<FlightEvent>({ path: directory, idempotencyTtlMs, signal });
  try {
    await refuseOtherStore(bus, flights);
    const following = followDelays(bus, flights.length, signal);
    const [written, live] = await Promise.all([appendFlights(bus, flights, { signal, onProgress }), following]);
    return { written, live };
  } finally {
    await bus.close();
  }
}

/** Nothing is appended to a store that holds something else. */
async function refuseOtherStore(bus: Bus<FlightEvent>, [flight]: readonly Flight[]): Promise<void> {
  const first = await bus.event(1);
  if (first === undefined || flight === undefined) return;
  const isOurs = first.stream === streamOf(flight.origin) && first.type === toEvent(flight).type;
  if (!isOurs) throw new Error(`the store in ${bus.info().path} is of something else: nothing was written to it`);
}

async function followDelays(bus: Bus<FlightEvent>, count: number, signal: AbortSignal): Promise<DelayStatistics> {
  const statistics = new DelayStatistics();
  for await (const page of bus.subscribe({ signal }).pages()) {
    for (const { stream, data } of page) statistics.add(airportOf(stream), data.delay);
    if (statistics.flights >= count) break;
  }
  return statistics;
}

async function readBack(
  flights: readonly Flight[],
  { directory, signal }: DemoSettings,
  written: AppendSummary,
  live: DelayStatistics,
): Promise<DemoReport> {
  const bus = await openBus<FlightEvent>({ path: directory, readOnly: true, signal });
  try {
    const startMs = performance.now();
    const scanned = await scanDelays(bus, signal);
    const scanSeconds = (performance.now() - startMs) / 1000;

    const versionByStream = new Map<string, number>();
    for await (const { stream, version } of bus.streams({ signal })) versionByStream.set(stream, version);
    const { head, sizeBytes } = bus.info();
    return {
      ...written,
      events: head,
      streams: versionByStream.size,
      topDelays: scanned.topDelays(ranksShown),
      lateFlights: scanned.lateFlights,
      scanSeconds,
      sizeBytes,
      checks: await runChecks(bus, flights, { live, scanned, versionByStream, signal }),
    };
  } finally {
    await bus.close();
  }
}

async function scanDelays(bus: Bus<FlightEvent>, signal: AbortSignal): Promise<DelayStatistics> {
  const statistics = new DelayStatistics();
  for await (const page of bus.read({ signal }).pages()) {
    for (const { stream, data } of page) statistics.add(airportOf(stream), data.delay);
  }
  return statistics;
}

interface ReadResults {
  readonly live: DelayStatistics;
  readonly scanned: DelayStatistics;
  readonly versionByStream: ReadonlyMap<string, number>;
  readonly signal: AbortSignal;
}

async function runChecks(
  bus: Bus<FlightEvent>,
  flights: readonly Flight[],
  { live, scanned, versionByStream, signal }: ReadResults,
): Promise<Check[]> {
  const flightsByOrigin = byOrigin(flights);
  const expected = new DelayStatistics();
  for (const { origin, delay } of flights) expected.add(origin, delay);

  const order = new OrderCheck('every event is the flight it should be, in the order of the file', flightsByOrigin);
  for await (const event of bus.read({ signal })) order.add(event);

  const ranked = expected.topDelays(ranksShown).map(({ airport }) => airport);
  const single = new OrderCheck('so are the streams of those ten airports, each read by itself', flightsByOrigin);
  for (const airport of ranked) {
    for await (const event of bus.readStream(streamOf(airport), { signal })) single.add(event);
  }

  return [
    checkStatistics('the live subscription counted what the file says', live, expected),
    checkStatistics('so did the scan', scanned, expected),
    checkStreams('every airport has its stream, with all its flights', versionByStream, flightsByOrigin),
    order.finish(flightsByOrigin.keys()),
    single.finish(ranked),
    await checkStore(bus, signal),
  ];
}

async function checkStore(bus: Bus<FlightEvent>, signal: AbortSignal): Promise<Check> {
  const { problems } = await bus.verify({ signal });
  return {
    claim: 'verify finds every checksum, the order and the index right',
    differences: problems.map(({ table, position, message }) => `${table} at ${position ?? '?'}: ${message}`),
  };
}
