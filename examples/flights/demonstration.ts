/**
 * What the demo does, step by step: appends while a subscription and two processors work, reopens the store, reads it back,
 * queries it, and compares every figure with the file.
 */
import { availableParallelism } from 'node:os';
import { type Bus, openBus, type ProcessorStatus, type QueryResult } from '#store';
import { type AppendSummary, appendFlights } from './append-flights.ts';
import { type Check, checkAlerts, checkRoutes, checkStatistics, checkStreams, isTrue, OrderCheck } from './checks.ts';
import { type AirportDelays, DelayStatistics } from './delay-statistics.ts';
import { airportOf, byOrigin, type Flight, type FlightEvent, streamOf, toEvent } from './flights.ts';
import { isLate } from './late-alerts.ts';
import type { LongestRoute, longestRoutes } from './longest-routes.ts';
import { type ProcessorsReport, runProcessors } from './processors.ts';

export interface DemoReport extends AppendSummary, Omit<ProcessorsReport, 'statistics'> {
  readonly events: number;
  readonly streams: number;
  readonly topDelays: readonly AirportDelays[];
  readonly lateFlights: number;
  readonly scanSeconds: number;
  readonly sizeBytes: number;
  /** The processors went through the events of an earlier run again. */
  readonly isReplay: boolean;
  readonly query: QuerySummary;
  readonly checks: readonly Check[];
}

export interface QuerySummary {
  /** The module and its export. */
  readonly name: string;
  /** Threads. */
  readonly parallel: number;
  readonly airports: number;
  /** With the start of the threads. */
  readonly milliseconds: number;
  readonly verified: boolean;
  /** From the ten airports with the most flights. */
  readonly routes: readonly LongestRoute[];
}

export interface DemoSettings {
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, date: string) => void;
  /** Called with every status of every processor. */
  readonly onStatus: (status: ProcessorStatus) => void;
}

const ranksShown = 10;
/** A key is remembered for a year, so that a run on a kept store recognises what is there. */
const idempotencyTtlMs = 365 * 24 * 3600 * 1000;
const queryThreads = Math.min(4, availableParallelism());

export async function demonstrate(flights: readonly Flight[], settings: DemoSettings): Promise<DemoReport> {
  const run = await write(flights, settings);
  return await readBack(flights, settings, run);
}

interface WriteResults {
  readonly written: AppendSummary;
  readonly live: DelayStatistics;
  readonly processed: ProcessorsReport;
  readonly isReplay: boolean;
}

/** Appends the flights; meanwhile a subscription counts delays, and the processors do what they are for. */
async function write(
  flights: readonly Flight[],
  { directory, signal, onProgress, onStatus }: DemoSettings,
): Promise<WriteResults> {
  const bus = await openBus<FlightEvent>({ path: directory, idempotencyTtlMs, signal });
  try {
    await refuseOtherStore(bus, flights);
    const silentAt = Math.ceil(flights.filter(isLate).length / 2);
    const isReplay = bus.head > 0;
    const imported = appendFlights(bus, flights, { signal, onProgress });
    const [written, live, processed] = await Promise.all([
      imported,
      followDelays(bus, flights.length, signal),
      runProcessors(bus, { silentAt, isReplay, imported, onStatus }),
    ]);
    return { written, live, processed, isReplay };
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
  run: WriteResults,
): Promise<DemoReport> {
  const bus = await openBus<FlightEvent>({ path: directory, readOnly: true, readers: queryThreads, signal });
  try {
    const startMs = performance.now();
    const scanned = await scanDelays(bus, signal);
    const scanSeconds = (performance.now() - startMs) / 1000;

    const versionByStream = new Map<string, number>();
    for await (const { stream, version } of bus.streams({ signal })) versionByStream.set(stream, version);
    const { query, check } = await queryRoutes(bus, flights, signal);
    const { head, sizeBytes } = bus.info();
    const { processors, alerts } = run.processed;
    return {
      ...run.written,
      processors,
      alerts,
      isReplay: run.isReplay,
      events: head,
      streams: versionByStream.size,
      topDelays: scanned.topDelays(ranksShown),
      lateFlights: scanned.lateFlights,
      scanSeconds,
      sizeBytes,
      query,
      checks: [...(await runChecks(bus, flights, { ...run, scanned, versionByStream, signal })), check],
    };
  } finally {
    await bus.close();
  }
}

/** The longest route from every airport, found in parallel. */
async function queryRoutes(
  bus: Bus<FlightEvent>,
  flights: readonly Flight[],
  signal: AbortSignal,
): Promise<{ query: QuerySummary; check: Check }> {
  const startMs = performance.now();
  const routes = await bus.query<QueryResult<typeof longestRoutes>>(new URL('./longest-routes.ts', import.meta.url), {
    export: 'longestRoutes',
    parallel: queryThreads,
    signal,
  });
  const milliseconds = Math.round(performance.now() - startMs);
  const check = checkRoutes('the parallel query found the longest route from every airport', routes, flights);
  const query: QuerySummary = {
    name: 'longest-routes.ts/longestRoutes',
    parallel: queryThreads,
    airports: routes.length,
    milliseconds,
    verified: isTrue(check),
    routes: routes.slice(0, ranksShown),
  };
  return { query, check };
}

async function scanDelays(bus: Bus<FlightEvent>, signal: AbortSignal): Promise<DelayStatistics> {
  const statistics = new DelayStatistics();
  for await (const page of bus.read({ signal }).pages()) {
    for (const { stream, data } of page) statistics.add(airportOf(stream), data.delay);
  }
  return statistics;
}

interface ReadResults extends WriteResults {
  readonly scanned: DelayStatistics;
  readonly versionByStream: ReadonlyMap<string, number>;
  readonly signal: AbortSignal;
}

async function runChecks(
  bus: Bus<FlightEvent>,
  flights: readonly Flight[],
  { live, processed, scanned, versionByStream, signal }: ReadResults,
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
    checkStatistics('so did the processor of the delay statistics', processed.statistics, expected),
    checkAlerts('every late flight was alerted, in order, and twice only behind the cursor', processed.alerts, flights),
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
