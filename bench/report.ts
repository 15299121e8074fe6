/**
 * The result of a run, and its two forms: the JSON document as it is, and a table for people.
 */
import { type CaseUnit, isLessBetter } from './cases.ts';
import type { Contender } from './contenders.ts';
import { type Floor, ratioFloor, valueFloor } from './floors.ts';
import type { Summary } from './statistics.ts';

export interface Report {
  /** Processors, memory, operating system. */
  readonly machine: string;
  readonly node: string;
  /** Median of an overwrite of 4 KiB with fdatasync in the directory of the stores. Microseconds. */
  readonly syncUs: number;
  readonly cases: readonly CaseReport[];
}

/** A contender in a case. `cpuUsPerEvent` is the median over the rounds, of all threads of its process; 0 where it was not measured. */
export interface ContenderReport extends Summary {
  readonly cpuUsPerEvent: number;
}

export interface CaseReport extends ContenderReport {
  readonly id: string;
  readonly unit: CaseUnit;
  /** Who is measured: the subject, with encryption or without. */
  readonly contender: Contender;
  /** Other contenders, and what the subject measured in the same turns to compare with, like `append-1` in `live-200`. */
  readonly peers: Readonly<Record<string, PeerReport>>;
}

/** `ratio` above 1: the subject is ahead of this peer, whatever the unit. */
export interface PeerReport extends ContenderReport {
  readonly ratio: number;
}

/** The table, a line for each contender of each case, with a line about the machine above. */
export function formatTable(report: Report): string {
  const about = `${report.machine}; Node ${report.node}; sync ${formatNumber(report.syncUs)} us\n`;
  const header = ['case', 'unit', 'contender', 'median', 'min', 'max', 'CPU us/event', 'ratio', 'floor', ''];
  return `${about}${alignColumns([header, ...report.cases.flatMap(caseRows)])}\n`;
}

/** A line about a case that is done. */
export function formatProgress({ id, unit, value, peers }: CaseReport): string {
  const ratios = Object.entries(peers).map(([name, { ratio }]) => `, ${ratio.toFixed(2)}x ${name}`);
  return `${id}: ${formatNumber(value)} ${unit}${ratios.join('')}`;
}

function caseRows(row: CaseReport): string[][] {
  const { id, unit, contender, peers } = row;
  const peerRows = Object.entries(peers).map(([name, peer]) => [
    '',
    '',
    name,
    ...contenderCells(peer),
    `${peer.ratio.toFixed(2)}x`,
    ...floorCells(ratioFloor(id, name, peer.ratio), (limit) => `${limit}x`),
  ]);
  const limitText = (limit: number) => `${isLessBetter(unit) ? 'at most' : 'at least'} ${formatNumber(limit)}`;
  const ownRow = [
    id,
    unit,
    contender,
    ...contenderCells(row),
    '',
    ...floorCells(valueFloor(id, unit, row.value), limitText),
  ];
  return [ownRow, ...peerRows];
}

function contenderCells({ value, min, max, cpuUsPerEvent }: ContenderReport): string[] {
  return [...[value, min, max].map(formatNumber), cpuUsPerEvent === 0 ? '' : formatNumber(cpuUsPerEvent)];
}

function floorCells(floor: Floor | undefined, text: (limit: number) => string): string[] {
  return floor === undefined ? ['', ''] : [text(floor.limit), floor.isMet ? 'met' : 'MISSED'];
}

/** Three significant digits; large numbers in thousands or millions. */
export function formatNumber(value: number): string {
  if (value >= 999_500) return `${(value / 1e6).toPrecision(3)}M`;
  if (value >= 9995) return `${(value / 1000).toPrecision(3)}k`;
  return value >= 99.95 ? value.toFixed(0) : value.toPrecision(3);
}

/** The first three columns flush left, the rest flush right. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] as number;
          return column < 3 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
