/** A writer of a keys file that meets the end of the space there is, with what it is then refused. */
import { readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isBusError } from '#kernel/errors';
import { KeyFileStorage } from '#kernel/storage/key-storage';
import { openBook, printOf, streamOwner } from '../kit/keys.ts';

/** Without a listener the kernel ends a process that writes beyond `ulimit -f`; with one, the write fails. */
process.on('SIGXFSZ', () => undefined);

export interface KeysFullReport {
  readonly durable: number;
  readonly refused: readonly boolean[];
  readonly bytes: number;
  readonly files: readonly string[];
  /** Of the first key, after all that. */
  readonly print: string | undefined;
}

const directory = process.argv[2]?.slice(1, -1) as string;
const { book } = openBook({ storage: new KeyFileStorage({ directory }) });
const isFull = (act: () => unknown) => {
  try {
    act();
    return false;
  } catch (error) {
    if (!isBusError(error, 'STORE_FULL')) throw error;
    return true;
  }
};
let durable = 0;
do {
  durable = book.lastKeyId;
  book.sealing(streamOwner(`${durable + 1}`), false);
} while (!isFull(() => book.flush()));
const refused = [isFull(() => book.flush()), isFull(() => book.erase({ stream: '1' }, 1))];
const report: KeysFullReport = {
  durable,
  refused,
  bytes: statSync(join(directory, 'keys')).size,
  files: readdirSync(directory),
  print: printOf(book.open(1, streamOwner('1'), 1)),
};
writeSync(1, `${JSON.stringify(report)}\n`);
