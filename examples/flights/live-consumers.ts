/**
 * The consumers of `npm run demo -- --ui`: each shows something else on the dashboard, again and again, so that whoever looks sees
 * it within seconds. What fails here fails on purpose.
 *
 * - `delay-statistics` counts, and is never in trouble. `delays-by-airport` is the same as a projection.
 * - `archive` is slow: it catches up with the backlog, and is sent back to its beginning now and then.
 * - `late-alerts` uses a service that is down for some seconds now and then: retrying, then live again. What it sends is an event.
 * - `crew-duty` gives up (`failed`) when a crew is missing, and waits for somebody to say what is to be done.
 * - `customs` puts flights without a manifest to the dead letters.
 * - `baggage` parks all flights of an airport whose belt is broken.
 * - `gate-changes` has four partitions, and waits for an answer each time.
 * - `landings` makes timers: a flight lands some seconds after it departed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, Processor } from '#store';
import { DelayStatistics } from './delay-statistics.ts';
import { airportOf, streamOf } from './flights.ts';
import { isLate } from './late-alerts.ts';
import type { AirportEvent } from './live-events.ts';

export interface Consumers {
  readonly statistics: Processor;
  readonly archive: Processor;
  readonly crewDuty: Processor;
}

/** Makes all of them and starts them. They end with the bus. */
export function startConsumers(bus: Bus<AirportEvent>): Consumers {
  const archive = startArchive(bus);
  const crewDuty = startCrewDuty(bus);
  const statistics = startStatistics(bus);
  startLateAlerts(bus);
  startCustoms(bus);
  startBaggage(bus);
  startGateChanges(bus);
  startLandings(bus);
  return { statistics, archive, crewDuty };
}

/** The second is the one `offset` of every `period` seconds, or one of the `length` behind it. */
function isTimeOf(period: number, length: number, offset = 0): boolean {
  return (Date.now() / 1000 + offset) % period < length;
}

/** What is broken is not fixed by trying for long. */
const briefRetry = { attempts: 2, minMs: 600, maxMs: 1500 } as const;

function startStatistics(bus: Bus<AirportEvent>): Processor {
  const statistics = new DelayStatistics();
  const counting = bus.processor({
    name: 'delay-statistics',
    types: ['Departed'],
    handleBatch: (events) => {
      for (const { stream, data } of events) statistics.add(airportOf(stream), data.delay);
    },
  });
  counting.start();
  const projection = bus.projection<{ flights: number; delay: number }>({
    name: 'delays-by-airport',
    version: 1,
    on: {
      Departed: (view, { stream, data }) => {
        view.update(airportOf(stream), (sum = { flights: 0, delay: 0 }) => {
          return { flights: sum.flights + 1, delay: sum.delay + data.delay };
        });
      },
    },
  });
  projection.start();
  return counting;
}

function startArchive(bus: Bus<AirportEvent>): Processor {
  const archive = bus.processor({
    name: 'archive',
    batch: 64,
    handleBatch: async (_, { signal }) => await sleep(50, undefined, { signal }),
  });
  archive.start();
  return archive;
}

function startLateAlerts(bus: Bus<AirportEvent>): void {
  const alerting = bus.processor({
    name: 'late-alerts',
    types: ['Departed'],
    handle: async ({ position, stream, data }, { append }) => {
      if (!isLate(data)) return;
      // Alerts of the backlog are old news.
      if (position < bus.head - 500) return;
      if (isTimeOf(14, 5)) throw new Error('the alert service is down for maintenance');
      await append('alerts', { type: 'Alerted', data: { airport: airportOf(stream), delay: data.delay } });
    },
    retry: { attempts: 20, minMs: 400, maxMs: 2500 },
  });
  alerting.start();
}

function startCrewDuty(bus: Bus<AirportEvent>): Processor {
  const crewDuty = bus.processor({
    name: 'crew-duty',
    types: ['Departed'],
    from: 'now',
    handle: ({ stream, data }) => {
      if (isTimeOf(30, 9, 12) && data.distance > 1500) {
        throw new Error(`no crew for the flight from ${airportOf(stream)} to ${data.destination}`);
      }
    },
    retry: briefRetry,
  });
  crewDuty.start();
  return crewDuty;
}

const islands: readonly string[] = ['SJU', 'STT'];

function startCustoms(bus: Bus<AirportEvent>): void {
  const customs = bus.processor({
    name: 'customs',
    types: ['Departed'],
    handle: ({ position, data }, { deadLetter }) => {
      if (!islands.includes(data.destination)) return undefined;
      // Every third manifest is found when somebody looks for it again.
      if (position % 3 === 0 && isTimeOf(2, 1)) return undefined;
      return deadLetter(`the flight to ${data.destination} has no manifest`);
    },
    onFailure: 'dead-letter',
    retry: briefRetry,
  });
  customs.start();
}

const belts = ['DFW', 'ORD', 'ATL', 'LAX', 'PHX'].map(streamOf);

function startBaggage(bus: Bus<AirportEvent>): void {
  const baggage = bus.processor({
    name: 'baggage',
    types: ['Departed'],
    from: 'now',
    handle: ({ stream }) => {
      if (stream === brokenBelt()) throw new Error(`the baggage belt at ${airportOf(stream)} does not move`);
    },
    onFailure: 'park-stream',
    retry: briefRetry,
  });
  baggage.start();
}

/** The stream of the airport whose belt is broken now. */
function brokenBelt(): string | undefined {
  return isTimeOf(20, 8) ? belts[Math.floor(Date.now() / 20_000) % belts.length] : undefined;
}

function startGateChanges(bus: Bus<AirportEvent>): void {
  const gates = bus.processor({
    name: 'gate-changes',
    types: ['Departed'],
    from: 'now',
    partitions: 4,
    handle: async ({ data }, { attempt, signal, retryIn }) => {
      await sleep(10 + (data.distance % 30), undefined, { signal });
      return isLate(data) && attempt === 1 ? retryIn(1500) : undefined;
    },
  });
  gates.start();
}

/** Who lands: not all, so that there is something to see of each. */
const landingOneIn = 4;

function startLandings(bus: Bus<AirportEvent>): void {
  const landings = bus.processor({
    name: 'landings',
    types: ['Departed'],
    from: 'now',
    handle: async ({ position, stream, data: { destination, distance } }) => {
      if (position % landingOneIn !== 0) return;
      const landed: AirportEvent = { type: 'Landed', data: { origin: airportOf(stream), distance } };
      // Known by its key: a second call replaces the timer of the first.
      await bus.schedule(streamOf(destination), landed, { delayMs: 3 * distance, key: `landing-${position}` });
    },
  });
  landings.start();
}
