import { readFileSync } from 'node:fs';

let version: string | undefined;

/** The version of this package. */
export function packageVersion(): string {
  // By the package's own name, because sources and built files are not at the same depth.
  version ??= (
    JSON.parse(readFileSync(new URL(import.meta.resolve('varvebus/package.json')), 'utf8')) as {
      version: string;
    }
  ).version;
  return version;
}
