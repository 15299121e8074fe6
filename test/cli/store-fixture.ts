/**
 * Stores for the tests of the command line: written, closed, and damaged where wanted.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NewEvent, type OpenOptions, openBus } from '#store';
import { tempDirectory } from '../kit/temp-store.ts';

type Appends = readonly (readonly [string, NewEvent | NewEvent[]])[];

/** A closed store in which each of `appends` is a commit; removed when the test ends. */
export function storeOf(...appends: Appends): Promise<string> {
  return filled({}, appends);
}

/** One in whose file the text of events can be found. */
export function plainStoreOf(...appends: Appends): Promise<string> {
  return filled({ encryption: undefined }, appends);
}

async function filled(options: Pick<OpenOptions, 'encryption'>, appends: Appends): Promise<string> {
  const directory = tempDirectory();
  const bus = await openBus({ path: directory, ...options });
  for (const [stream, events] of appends) await bus.append(stream, events);
  await bus.close();
  return directory;
}

/** Changes one bit of every place in the data file that holds `text`. */
export function damageText(directory: string, text: string): void {
  const file = dataFile(directory);
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at)) bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
}

/** Cuts the data file off. */
export function truncate(directory: string, bytes: number): void {
  const file = dataFile(directory);
  writeFileSync(file, readFileSync(file).subarray(0, bytes));
}

function dataFile(directory: string): string {
  return join(directory, 'log.mdb');
}
