/**
 * How this package's own threads are started: from the file next door, with what this process was started with.
 */
import { extname } from 'node:path';

/** The file of a worker: `.ts` from source, `.js` from the built package. */
export function workerFile(name: string): URL {
  return new URL(`./${name}.worker${extname(import.meta.url)}`, import.meta.url);
}

/** Node's own options, without the one that a thread with a file of its own refuses (ERR_INPUT_TYPE_NOT_ALLOWED). */
export function workerArguments(): string[] {
  return process.execArgv.filter(
    (argument, index, all) => !argument.startsWith('--input-type') && all[index - 1] !== '--input-type',
  );
}
