/**
 * Another process that tells its status in a directory; see status-file.test.ts.
 *
 * `tell` tells one text, says `told`, and stays. `hammer` tells texts of all lengths, one after the other as fast as it can:
 * each a letter over and over, and its length first. `full` tells a short text, one that the disk has no room for, and says
 * which error it gets, then, told to by a line, a short one again. `nobody` is a user without rights, and says which error it gets for telling and
 * what it reads.
 */
import { writeSync } from 'node:fs';
import { StatusFile, StatusFileReader } from '#kernel/storage/status-file';

export interface StatusChildOptions {
  readonly directory: string;
  readonly deed: 'tell' | 'hammer' | 'full' | 'nobody';
}

const { directory, deed } = JSON.parse(process.argv[2] as string) as StatusChildOptions;

if (deed === 'full') {
  // Without a listener the limit of a file's size ends the process.
  process.on('SIGXFSZ', () => {});
  const file = new StatusFile(directory);
  await file.write('short');
  const code = await codeOf(file.write('x'.repeat(200_000)));
  writeSync(1, `${code}\n`);
  process.stdin.once('data', async () => {
    await file.write('short again');
    writeSync(1, 'told\n');
  });
} else if (deed === 'nobody') {
  process.chdir(directory);
  process.setgroups?.([]);
  process.setgid?.(65534);
  process.setuid?.(65534);
  const code = await codeOf(new StatusFile('.').write('x'));
  writeSync(1, `${JSON.stringify([code, new StatusFileReader('.').read()])}\n`);
} else {
  const file = new StatusFile(directory);
  await file.write(textOf(0));
  writeSync(1, 'told\n');
  process.stdin.resume();
  for (let n = 1; deed === 'hammer'; n++) await file.write(textOf(n));
}

function codeOf(writing: Promise<void>): Promise<string | undefined> {
  return writing.then(
    () => 'none',
    (error: NodeJS.ErrnoException) => error.code,
  );
}

function textOf(n: number): string {
  const length = (n * 7919) % 200_000;
  return `${length}:${String.fromCharCode(97 + (n % 26)).repeat(length)}`;
}
