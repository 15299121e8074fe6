/**
 * The demo's report: a page for people, one object for programs.
 */
import { inFlightMax } from './append-flights.ts';
import { type AirportDelays, lateMinutes, rankedFlightsMin } from './delay-statistics.ts';
import type { DemoReport } from './demonstration.ts';

export function isVerified({ checks }: DemoReport): boolean {
  return checks.every(({ differences }) => differences.length === 0);
}

export function reportJson(report: DemoReport): string {
  const { events, streams, appends, appended, duplicates, lateFlights, sizeBytes, topDelays, checks } = report;
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
    checks,
    node: process.version,
  });
}

export function reportText(report: DemoReport): string {
  const { events, streams, lateFlights, scanSeconds, sizeBytes, topDelays } = report;
  const scan = `${grouped(events)} events read again, with the store opened read-only`;
  const rows = [
    appendRow(report),
    ['scan', scan, `${grouped(rate(events, scanSeconds))} events/s`],
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

function checkLines({ checks }: DemoReport): string[] {
  return checks.flatMap(({ claim, differences }) => [
    `${differences.length === 0 ? '✓' : '✗ NOT TRUE:'} ${claim}`,
    ...differences.map((difference) => `    ${difference}`),
  ]);
}

function bytesPerEvent({ sizeBytes, events }: DemoReport): number {
  return Math.round(sizeBytes / Math.max(1, events));
}

function rate(count: number, seconds: number): number {
  return Math.round(count / seconds);
}
