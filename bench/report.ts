/**
 * The result of a run, and its two forms: the JSON document as it is, and a table for people.
 */
import type { CaseUnit } from './cases.ts';
import { floorByCase, floorPeer } from './floors.ts';
import type { Summary } from './statistics.ts';

export interface Report {
  /** Processors, memory, operating system. */
  readonly machine: string;
  readonly node: string;
  /** Median of an overwrite of 4 KiB with fdatasync in the directory of the stores. Microseconds. */
  readonly syncUs: number;
  readonly cases: readonly CaseReport[];
}

/** A contender in a case. `cpuUsPerEvent` is the median over the rounds, of all threads of its process. */
export interface ContenderReport extends Summary {
  readonly cpuUsPerEvent: number;
}

export interface CaseReport extends ContenderReport {
  readonly id: string;
  readonly unit: CaseUnit;
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

function caseRows(row: CaseReport): string[][] {
  const peerRows = Object.entries(row.peers).map(([name, peer]) => [
    '',
    '',
    name,
    ...contenderCells(peer),
    `${peer.ratio.toFixed(2)}x`,
    ...floorCells(row.id, name, peer.ratio),
  ]);
  return [[row.id, row.unit, 'varvebus', ...contenderCells(row), '', '', ''], ...peerRows];
}

function contenderCells({ value, min, max, cpuUsPerEvent }: ContenderReport): string[] {
  return [value, min, max, cpuUsPerEvent].map(formatNumber);
}

function floorCells(id: string, peer: string, ratio: number): string[] {
  const floor = floorByCase[id];
  if (floor === undefined || peer !== floorPeer) return ['', ''];
  return [`${floor}x`, ratio >= floor ? 'met' : 'MISSED'];
}

/** Three significant digits; large numbers in thousands or millions; nothing for what was not measured. */
export function formatNumber(value: number): string {
  if (value === 0) return '';
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
