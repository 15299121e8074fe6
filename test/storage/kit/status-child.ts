/**
 * Another process that tells its status in a directory; see status-file.test.ts.
 *
 * `tell` tells one text, says `told`, and stays. `hammer` tells texts of all lengths, one after the other as fast as it can:
 * each a letter over and over, and its length first. `nobody` is a user without rights, and says which error it gets for telling and
 * what it reads.
 */
import { writeSync } from 'node:fs';
import { StatusFile, StatusFileReader } from '#kernel/storage/status-file';

export interface StatusChildOptions {
  readonly directory: string;
  readonly deed: 'tell' | 'hammer' | 'nobody';
}

const { directory, deed } = JSON.parse(process.argv[2] as string) as StatusChildOptions;

if (deed === 'nobody') {
  process.chdir(directory);
  process.setgroups?.([]);
  process.setgid?.(65534);
  process.setuid?.(65534);
  const error = await new StatusFile('.').write('x').then(
    () => 'none',
    (failure: NodeJS.ErrnoException) => failure.code,
  );
  writeSync(1, `${JSON.stringify([error, new StatusFileReader('.').read()])}\n`);
} else {
  const file = new StatusFile(directory);
  await file.write(textOf(0));
  writeSync(1, 'told\n');
  process.stdin.resume();
  for (let n = 1; deed === 'hammer'; n++) await file.write(textOf(n));
}

function textOf(n: number): string {
  const length = (n * 7919) % 200_000;
  return `${length}:${String.fromCharCode(97 + (n % 26)).repeat(length)}`;
}
