/**
 * LMDB's lock file, read from outside: a process that opens and closes it itself takes away the locks that LMDB has on it in
 * that process, and with them the slots of its readers (POSIX locks belong to the process, not to who took them).
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dataFileName } from './store-creation.ts';

export const lockFileName = `${dataFileName}-lock`;

const program = 'process.stdout.write(require("node:fs").readFileSync(process.argv[1]))';
/** A slot of 64 bytes for each of 1024 readers, and room to grow. */
const bytesMax = 16 * 2 ** 20;

/** The bytes of the lock file at `path`, read by another process. `signal` ends that. @throws what keeps it from being read */
export async function readLockFile(path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program, path], {
    encoding: 'buffer',
    maxBuffer: bytesMax,
    // Where Node is Electron, that is what makes it Node; nothing else of the environment is needed.
    env: { ELECTRON_RUN_AS_NODE: '1' },
    ...(signal !== undefined && { signal }),
  });
  return stdout;
}
