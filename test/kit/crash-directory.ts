/**
 * A directory for one test, outside the repository, removed when the test ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Only inside a test. Kept when the test failed and TEST_KEEP is set. */
export function crashDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'varvebus-crash-'));
  onTestFinished(({ task }) => {
    const isKept = process.env.TEST_KEEP !== undefined && task.result?.state === 'fail';
    if (isKept) console.info(`kept: ${directory}`);
    else rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}
