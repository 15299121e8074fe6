/**
 * The demo's report: a page for people, one object for programs.
 */
import { inFlightMax } from './append-flights.ts';
import { isTrue } from './checks.ts';
import { type AirportDelays, lateMinutes, rankedFlightsMin } from './delay-statistics.ts';
import type { DemoReport, QuerySummary } from './demonstration.ts';
import { busyEvery } from './late-alerts.ts';

export function isVerified({ checks }: DemoReport): boolean {
  return checks.every(isTrue);
}

export function reportJson(report: DemoReport): string {
  const { events, streams, appends, appended, duplicates, lateFlights, sizeBytes, topDelays, checks } = report;
  const { processors, query } = report;
  return JSON.stringify({
    events,
    streams,
    appended,
    duplicates,
    eventsPerSecond: rate(appended, report.seconds),
    scanPerSecond: rate(events, report.scanSeconds),
    bytesPerEvent: bytesPerEvent(report),
    verified: isVerified(report),
    lateFlights,
    topDelays,
    appends,
    inFlightMax,
    durability: 'sync',
    sizeBytes,
    processors,
    query,
    checks,
    node: process.version,
  });
}

export function reportText(report: DemoReport): string {
  const { events, streams, lateFlights, scanSeconds, sizeBytes, topDelays, query } = report;
  const scan = `${grouped(events)} events read again, with the store opened read-only`;
  const rows = [
    appendRow(report),
    ['scan', scan, `${grouped(rate(events, scanSeconds))} events/s`],
    [
      'query',
      `the longest routes from ${query.airports} airports, by ${query.parallel} threads started for it`,
      `${query.milliseconds} ms`,
    ],
    [
      'size',
      `${(sizeBytes / 1e6).toFixed(1)} MB in ${grouped(streams)} streams`,
      `${bytesPerEvent(report)} bytes/event`,
    ],
  ] as const;
  const [nameWidth, figureWidth] = [9, Math.max(...rows.map(([, , figure]) => figure.length))];
  const whatWidth = Math.max(...rows.map(([, what]) => what.length));
  return [
    ...rows.map(([name, what, figure]) =>
      `${name.padEnd(nameWidth)}${what.padEnd(whatWidth)}  ${figure.padStart(figureWidth)}`.trimEnd(),
    ),
    '',
    ...delayTable(topDelays),
    '',
    `${grouped(lateFlights)} flights were more than ${lateMinutes} minutes late.`,
    '',
    ...routeTable(query),
    '',
    ...processorTable(report),
    '',
    ...alertLines(report),
    '',
    ...checkLines(report),
    '',
  ].join('\n');
}

/** `1234567` as `1,234,567`, whatever the locale. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function appendRow({ appends, appended, duplicates, seconds }: DemoReport): [string, string, string] {
  if (appended === 0) {
    return ['append', `nothing: the keys of all appends are known, their ${grouped(duplicates)} events are there`, ''];
  }
  const known = duplicates === 0 ? '' : `, ${grouped(duplicates)} were there`;
  const what = `${grouped(appended)} events in ${grouped(appends)} appends, ${inFlightMax} in flight, fsynced${known}`;
  return ['append', what, `${grouped(rate(appended, seconds))} events/s`];
}

function delayTable(topDelays: readonly AirportDelays[]): string[] {
  return [
    `The highest mean delays (airports with at least ${rankedFlightsMin} flights)`,
    '',
    '  airport  flights  minutes',
    ...topDelays.map(({ airport, flights, meanDelay }) =>
      ['', airport.padEnd(7), grouped(flights).padStart(7), meanDelay.toFixed(1).padStart(7)].join('  ').trimEnd(),
    ),
  ];
}

function routeTable({ routes }: QuerySummary): string[] {
  return [
    'The longest routes from the airports with the most flights',
    '',
    '  airport  flights  to       miles',
    ...routes.map(({ airport, flights, destination, distance }) =>
      ['', airport.padEnd(7), grouped(flights).padStart(7), destination.padEnd(5), grouped(distance).padStart(7)].join(
        '  ',
      ),
    ),
  ];
}

function processorTable({ processors }: DemoReport): string[] {
  return [
    'The processors when everything was appended',
    '',
    '  name              state  position  retries',
    ...processors.map(({ name, state, position, retries }) =>
      ['', name.padEnd(16), state.padEnd(5), grouped(position).padStart(8), grouped(retries).padStart(7)].join('  '),
    ),
  ];
}

/** What was done to the processor of the alerts. */
function alertLines({ alerts: { beforeStop, cursor, afterStart }, isReplay }: DemoReport): string[] {
  const last = beforeStop.at(-1)?.position ?? 0;
  const twice = afterStart.filter(({ position }) => position <= last).length;
  return [
    `The alert service is busy at every ${busyEvery}th call, on purpose: hence the retries. At alert ${beforeStop.length} it did not answer, and`,
    `late-alerts was stopped without waiting for it. Started again behind position ${grouped(cursor)}, the last saved one, it sent`,
    `${twice} ${twice === 1 ? 'alert' : 'alerts'} a second time.`,
    ...(isReplay
      ? ['What processors gather here is in memory only: both began at the beginning of the store again.']
      : []),
  ];
}

function checkLines({ checks }: DemoReport): string[] {
  return checks.flatMap((check) => [
    `${isTrue(check) ? '✓' : '✗ NOT TRUE:'} ${check.claim}`,
    ...check.differences.map((difference) => `    ${difference}`),
  ]);
}

function bytesPerEvent({ sizeBytes, events }: DemoReport): number {
  return Math.round(sizeBytes / Math.max(1, events));
}

function rate(count: number, seconds: number): number {
  return Math.round(count / seconds);
}
