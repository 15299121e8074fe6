/**
 * A writer of a keys file that ends itself, as `kill -9` does, at a step of what it was told to do. It tells what the file
 * does not: how a key is recognised.
 */
import { writeSync } from 'node:fs';
import { openKeyBook } from '#kernel/crypto/open-key-book';
import { StoreSecrets } from '#kernel/crypto/secrets';
import { keySealsMax } from '#kernel/limits';
import { type KeyFileStep, KeyFileStorage } from '#kernel/storage/key-storage';
import { masterKeyOf, printOf, streamOwner } from '../kit/keys.ts';

export interface KeysWriterOptions {
  readonly directory: string;
  readonly deed: 'create' | 'append' | 'erase' | 'rotate';
  readonly killAt: KeyFileStep;
}

/** Without a listener the kernel ends a process that writes beyond `ulimit -f`; with one, the write fails. */
process.on('SIGXFSZ', () => undefined);

const { directory, deed, killAt } = JSON.parse(process.argv[2] as string) as KeysWriterOptions;
let isArmed = deed === 'create';
const storage = new KeyFileStorage({
  directory,
  onStep: (step) => {
    if (isArmed && step === killAt) process.kill(process.pid, 'SIGKILL');
  },
});
const book = openKeyBook({
  storage,
  secrets: new StoreSecrets(),
  masterKey: masterKeyOf(1),
  mode: 'all',
  facts: undefined,
  writerEpoch: 1,
  nowMs: () => 1000,
  sealsMax: keySealsMax,
});
const made = ['a', 'b'].map((stream) => book.sealing(streamOwner(stream), false));
book.flush();
const added = deed === 'append' ? book.sealing(streamOwner('c'), false) : undefined;
writeSync(1, `${JSON.stringify([...made, added].map((key) => printOf(key?.key)))}\n`);
isArmed = true;
if (deed === 'append') book.flush();
if (deed === 'erase') book.erase({ stream: 'a' }, 5);
if (deed === 'rotate') book.rotate(masterKeyOf(2));
writeSync(1, 'not killed\n');
