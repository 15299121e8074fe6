/** Runs a query on the store of its first argument, prints the result, and leaves the pool open, its threads idle. */
import { runQuery } from '#actors/query';
import { ReaderPool } from '#actors/reader-pool';
import { moduleUrl } from './module-url.ts';

const path = process.argv[2] as string;
const pool = new ReaderPool({
  path,
  threads: 2,
  idleMs: 60_000,
  onError: (error) => process.emitWarning(String(error)),
});
void runQuery(pool, 5000, moduleUrl('ending'), { args: 'none' }).then((count) => process.stdout.write(`${count}\n`));
