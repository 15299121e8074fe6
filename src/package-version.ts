/** The version of this package, for people: read where it is asked for first. */
import { readFileSync } from 'node:fs';

let version: string | undefined;

export function packageVersion(): string {
  // By the package's own name, because sources and built files are not at the same depth.
  version ??= (
    JSON.parse(readFileSync(new URL(import.meta.resolve('varvebus/package.json')), 'utf8')) as {
      version: string;
    }
  ).version;
  return version;
}
