/**
 * Whether all is well, in one line, and what is not, each with its way to where one can do something about it. Pure.
 *
 * Bad: something stands still until somebody acts. Warn: it still works, or works again by itself. What rests because it was told
 * to is neither.
 */
import type { ProcessorRow, StoreTopic } from '../wire.ts';
import { count, micros } from './format.ts';
import type { Place, Query } from './routes.ts';

export interface Finding {
  readonly tone: 'bad' | 'warn';
  /** What it is about: the name of a processor, or a part of the store. */
  readonly subject: string;
  readonly text: string;
  /** A message of the user's code. */
  readonly detail?: string;
  /** When it is tried again. Milliseconds since 1970. */
  readonly retryAt?: number;
  readonly to?: Place;
  readonly query?: Query;
}

export interface Health {
  /** `'rest'`: there is nothing that could be well. */
  readonly tone: 'good' | 'warn' | 'bad' | 'rest';
  /** `'All is well'`, `'1 processor has failed, 2 are retrying'`. */
  readonly line: string;
  /** Worst first. */
  readonly findings: readonly Finding[];
}

/** Slower commits than this are told. Microseconds: a disk that syncs in a second is ill, or shared. */
const slowCommitMicros = 1_000_000;
/** Part of LMDB's reader slots that may be taken: without one nobody can read. */
const readersPart = 0.9;

export function healthOf(store: Partial<StoreTopic>, processors: readonly ProcessorRow[]): Health {
  const failed = processors.filter(({ state }) => state === 'failed');
  const stalled = processors.filter(({ state, tags }) => state !== 'failed' && tags.includes('stalled'));
  const retrying = processors.filter((row) => isTroubled(row) && !stalled.includes(row));
  const letters = processors.filter(({ deadLetters, parked }) => deadLetters + parked > 0);
  const ofStore = storeFindings(store);
  const findings = [
    ...ofStore,
    ...failed.map((row) => processorFinding('bad', row, 'has failed')),
    ...stalled.map((row) => processorFinding('bad', row, `does not move, ${count(row.lag)} events behind`)),
    ...retrying.map(retryFinding),
    ...letters.map(letterFinding),
  ];
  const worst = findings.find(({ tone }) => tone === 'bad') ?? findings[0];
  const isAbsent = store.state === 'absent';
  if (worst === undefined && !isAbsent) return { tone: 'good', line: 'All is well', findings };
  const parts = [
    ...(isAbsent ? ['no process has this store open for writing'] : []),
    ...ofStore.map(({ subject, text }) => `${subject} ${text}`),
    ...told(failed.length, 'processor has failed', 'processors have failed'),
    ...told(stalled.length, 'processor does not move', 'processors do not move'),
    ...told(retrying.length, 'processor is retrying', 'processors are retrying'),
    ...told(
      sum(letters, ({ deadLetters }) => deadLetters),
      'dead letter',
      'dead letters',
    ),
    ...told(
      sum(letters, ({ parked }) => parked),
      'event is parked',
      'events are parked',
    ),
  ];
  const line = parts.slice(0, linePartsMax).join(', ');
  return { tone: worst?.tone ?? 'rest', line: line.slice(0, 1).toUpperCase() + line.slice(1), findings };
}

/** More parts are no line any more. The findings below it have all. */
const linePartsMax = 3;

/** `'unhealthy'` also of a processor of which only some partitions are. */
function isTroubled({ state, tags }: ProcessorRow): boolean {
  return state !== 'failed' && (state === 'retrying' || state === 'poisoned' || tags.includes('unhealthy'));
}

function storeFindings({ state, rates, file }: Partial<StoreTopic>): Finding[] {
  const findings: Finding[] = [];
  if (state === 'failed')
    findings.push({
      tone: 'bad',
      subject: 'The writer',
      text: 'has failed: nothing can be appended until the store is opened again',
    });
  else if (state !== undefined && state !== 'open' && state !== 'absent')
    findings.push({ tone: 'warn', subject: 'The store', text: 'is closing' });
  if (file !== undefined && file.readersMax > 0 && file.readers >= file.readersMax * readersPart)
    findings.push({
      tone: 'bad',
      subject: 'The reader table',
      text: `is almost full: ${file.readers} of ${file.readersMax}`,
    });
  if (rates?.commitMicrosP99 !== undefined && rates.commitMicrosP99 >= slowCommitMicros)
    findings.push({
      tone: 'warn',
      subject: 'The disk',
      text: `is slow: a commit takes up to ${micros(rates.commitMicrosP99)}`,
    });
  return findings;
}

function processorFinding(tone: 'bad' | 'warn', row: ProcessorRow, text: string): Finding {
  return {
    tone,
    subject: row.name,
    text,
    ...(row.lastError !== undefined && { detail: errorText(row.lastError) }),
    to: { page: 'processor', name: row.name },
  };
}

function retryFinding(row: ProcessorRow): Finding {
  const text =
    row.state === 'poisoned'
      ? 'gives events up'
      : row.state === 'retrying'
        ? `is retrying after ${row.attempts} ${row.attempts === 1 ? 'failure' : 'failures'}`
        : 'has partitions in trouble';
  const finding = processorFinding('warn', row, text);
  return row.nextRetryAt === undefined ? finding : { ...finding, retryAt: row.nextRetryAt };
}

function letterFinding({ name, deadLetters, parked }: ProcessorRow): Finding {
  const parts = [
    ...told(deadLetters, 'dead letter', 'dead letters'),
    ...told(parked, 'event parked behind it', 'events parked'),
  ];
  return {
    tone: 'warn',
    subject: name,
    text: `has ${parts.join(', ')}`,
    to: { page: 'dead-letters' },
    query: { processor: name },
  };
}

/** An error in a line: its name only where it says something. */
export function errorText({
  name,
  code,
  message,
}: {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
}): string {
  const title = code ?? name;
  return title === 'Error' || title === '' ? message : message === '' ? title : `${title}: ${message}`;
}

function told(number: number, one: string, many: string): string[] {
  return number === 0 ? [] : [`${count(number)} ${number === 1 ? one : many}`];
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
