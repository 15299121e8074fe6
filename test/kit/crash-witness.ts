/**
 * What a crashing writer tells of itself, in a file outside the store: one line before each call and one after its outcome.
 *
 * Each line is one write(2), which survives `kill -9` of the writer: it may lack its end only in the last line.
 */
import { existsSync, readFileSync } from 'node:fs';

/** Where the events of a call are, one entry for each of its streams. */
export type Places = readonly (readonly [
  stream: string,
  firstVersion: number,
  lastVersion: number,
  firstPosition: number,
  lastPosition: number,
])[];

export type WitnessLine =
  | { readonly kind: 'started'; readonly call: string }
  | {
      readonly kind: 'acked';
      readonly call: string;
      readonly hash: string;
      readonly places: Places;
      readonly duplicate: boolean;
    }
  | { readonly kind: 'refused'; readonly call: string; readonly code: string }
  | { readonly kind: 'closed' };

export function witnessLine(line: WitnessLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** All whole lines of the witness at `path`. */
export function readWitness(path: string): WitnessLine[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as WitnessLine);
}
