/** Programs of this directory, run in a process of their own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { nodeArguments } from '../../kit/test-key.ts';

/** What the program prints, and how long its process lives. @throws when it fails. */
export async function runProgram(name: string, argument: string): Promise<{ output: string; elapsedMs: number }> {
  const start = performance.now();
  const file = fileURLToPath(new URL(name, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...nodeArguments, file, argument], {
    timeout: 40_000,
  });
  return { output: stdout, elapsedMs: performance.now() - start };
}
