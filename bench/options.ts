/**
 * The command line of the benchmarks.
 */
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { cases } from './cases.ts';

export interface BenchOptions {
  /** One JSON document on stdout instead of a table. */
  readonly json: boolean;
  /** Cases to run, in the order of cases.ts. */
  readonly only: readonly string[];
  /** Rounds of each case; each contender has one turn in a round. */
  readonly rounds: number;
  /** Length of a turn. */
  readonly seconds: number;
  /** Events in the store that is built for reading. */
  readonly builtEvents: number;
  /** Where the stores are made, and removed afterwards. */
  readonly directory: string;
  /** Where every process leaves a CPU profile, if anywhere. */
  readonly profileDirectory: string | undefined;
}

export const usage = `npm run bench -- [options]
  --only ID,ID     run these cases only: ${cases.map(({ id }) => id).join(', ')}
  --rounds N       turns of each contender per case (15)
  --seconds S      length of a turn (0.5)
  --events N       events in the store that is built for reading (1000000)
  --quick          3 rounds of 0.3 s, 100000 events: a first look, not a result
  --json           one JSON document on stdout instead of the table
  --directory DIR  where the stores are made: the disk that is measured (the system's directory for temporary files)
  --profile DIR    leave CPU profiles in DIR`;

/** @throws {TypeError} for an option that is unknown or out of range. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      events: { type: 'string' },
      quick: { type: 'boolean', default: false },
      directory: { type: 'string', default: tmpdir() },
      profile: { type: 'string' },
    },
  });
  const fallback = values.quick
    ? { rounds: 3, seconds: 0.3, events: 100_000 }
    : { rounds: 15, seconds: 0.5, events: 1_000_000 };
  const rounds = numberOf('rounds', values.rounds, fallback.rounds);
  const builtEvents = numberOf('events', values.events, fallback.events);
  if (!Number.isInteger(rounds)) throw new TypeError(`--rounds must be a whole number, got ${rounds}`);
  if (!Number.isInteger(builtEvents)) throw new TypeError(`--events must be a whole number, got ${builtEvents}`);
  return {
    json: values.json,
    only: chosenCases(values.only),
    rounds,
    seconds: numberOf('seconds', values.seconds, fallback.seconds),
    builtEvents,
    directory: values.directory,
    profileDirectory: values.profile,
  };
}

function numberOf(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new TypeError(`--${option} must be a number above 0, got ${JSON.stringify(text)}`);
  }
  return value;
}

function chosenCases(list: string | undefined): string[] {
  const known = cases.map(({ id }) => id);
  if (list === undefined) return known;
  const chosen = list.split(',').map((id) => id.trim());
  const unknown = chosen.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new TypeError(`--only: there is no case ${JSON.stringify(unknown)}; there are ${known.join(', ')}`);
  }
  return known.filter((id) => chosen.includes(id));
}
