/**
 * What varvebus has to reach, shown as met or missed: ratios against peers, and values in the unit of the case.
 *
 * Not tests: machines differ and disks have bad minutes. What has no floor is reported only.
 */
import { type CaseUnit, isLessBetter } from './cases.ts';

/** How many times better than the peer, by case and peer. Below 1, how much behind it may be. */
const ratioFloors: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // A call may take 1.25 times as long as with the writer in the same thread.
  'append-1': { 'varvebus-inline': 0.8, 'lmdb-js': 0.7 },
  'append-batch-100': { 'lmdb-js': 2 },
  'append-1024': { 'varvebus-inline': 1, 'lmdb-js': 2 },
  'append-threads-4': { 'varvebus-inline': 1 },
  'scan-decoded': { 'lmdb-js': 1.5 },
  'scan-1of5': { 'lmdb-js': 4 },
  'read-stream-scattered': { 'lmdb-js': 1 },
  // The way to the handler may take 1.6 times as long as the append alone.
  'live-200': { 'append-1': 1 / 1.6 },
  'query-2': { 'query-1': 1.8 },
  'sealed-query-2': { 'query-1': 1.8 },
  // A client costs less than 5 %.
  'dashboard-append': { 'no-dashboard': 1 / 1.05 },
  'dashboard-drain': { 'no-dashboard': 1 / 1.05 },
  // What is parked costs the others nothing that could be measured.
  'drain-parked': { 'drain-unparked': 0.95 },
};

/** Least values, or most where less is better, by case. */
const valueFloors: Readonly<Record<string, number>> = {
  'delay-1024': 5,
  'handler-threads-2': 10,
  // Of 300 on a page of `varvebus ui`, which looks every 50 ms and shows 20 frames a second.
  'status-100': 200,
  drain: 1_000_000,
  'drain-decoded': 400_000,
  'project-1000': 150_000,
  'dead-letter': 20_000,
  timers: 10_000,
  'sealed-append-1024': 100_000,
  'sealed-append-batch-100': 180_000,
  'sealed-scan': 190_000,
  // Nothing that could be measured: 0.1 % of one processor.
  idle: 1000,
};

export interface Floor {
  readonly limit: number;
  readonly isMet: boolean;
}

export function ratioFloor(caseId: string, peer: string, ratio: number): Floor | undefined {
  const limit = ratioFloors[caseId]?.[peer];
  return limit === undefined ? undefined : { limit, isMet: ratio >= limit };
}

export function valueFloor(caseId: string, unit: CaseUnit, value: number): Floor | undefined {
  const limit = valueFloors[caseId];
  if (limit === undefined) return undefined;
  return { limit, isMet: isLessBetter(unit) ? value <= limit : value >= limit };
}
