/** What a store consists of while it is closed, beside another one of the test. */
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Copies the store in `from` to `to`, which is made if it is missing. */
export function copyStore(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  cpSync(join(from, 'log.mdb'), join(to, 'log.mdb'));
  copyKeys(from, to);
}

/** Copies its keys, if it has any. */
export function copyKeys(from: string, to: string): void {
  if (existsSync(join(from, 'keys'))) cpSync(join(from, 'keys'), join(to, 'keys'));
}
