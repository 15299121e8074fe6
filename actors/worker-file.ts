/**
 * How this package's own threads are started: from the file next door, with the options this process was started with.
 */
import { extname } from 'node:path';

/** The file of a worker beside the file at `url`: `.ts` from source, `.js` from the built package. */
export function workerFile(name: string, url: string = import.meta.url): URL {
  return new URL(`./${name}.worker${extname(import.meta.url)}`, url);
}

/**
 * What a thread inherits of Node's options: all, unless the process was started with `--input-type`, which a thread that has
 * a file refuses (ERR_INPUT_TYPE_NOT_ALLOWED). Then none: V8's own can't be told apart, and are refused when given.
 */
export function inheritedArguments(): { readonly execArgv?: string[] } {
  return process.execArgv.some((argument) => argument.startsWith('--input-type')) ? { execArgv: [] } : {};
}
