/**
 * The tools from outside npm that some durability tests look through: strace, and a C library built here with cc.
 *
 * A test that needs one says so with `needTool`: without it, it is skipped with the reason printed, and fails in CI.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, type TestContext } from 'vitest';
import type { StartOptions } from './crash-process.ts';

/** What may be armed in a process that has the journal's library: see preload/write-journal.c. */
export type Fault =
  `${'page' | 'meta' | 'sync' | 'any'} ${number}${'' | '+'} ${'EIO' | 'LATE' | 'SHORT' | 'KILL' | 'STOP'}`;

/** How to start a program so that its writes are seen. */
export interface Journal {
  /** Of a program that works in `directory` and is written down in the file `journal`. */
  start(directory: string, journal: string, fault?: Fault): StartOptions;
}

/** Commands of the system, not of a package. */
const tracer = 'strace';
const compiler = 'cc';

/** True when strace is there and may trace. */
export const hasStrace = ((): boolean => {
  try {
    execFileSync(tracer, ['-f', '-o', '/dev/null', '-e', 'trace=write', 'true'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
})();

/**
 * Builds the journal's library for the tests of one file; `undefined` when there is no compiler, or it is not Linux with
 * glibc, whose function names the library takes over.
 */
export function buildJournal(): Journal | undefined {
  if (process.platform !== 'linux') return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'varvebus-journal-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const library = join(directory, 'write-journal.so');
  const source = fileURLToPath(new URL('preload/write-journal.c', import.meta.url));
  try {
    execFileSync(compiler, ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl', '-lpthread'], { stdio: 'pipe' });
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
  return {
    start: (directory, journal, fault) => ({
      env: {
        LD_PRELOAD: library,
        CRASH_DIRECTORY: `${directory}/`,
        CRASH_JOURNAL: journal,
        ...(fault === undefined ? {} : { CRASH_FAULT: fault }),
      },
    }),
  };
}

/** Ends the test that calls it, unless there is `tool`. */
export function needTool<Tool>(context: TestContext, tool: Tool | undefined | false, what: string): Tool {
  if (tool !== undefined && tool !== false) return tool;
  const reason = `${what} is not available here`;
  if (process.env.CI === 'true') throw new Error(`${reason}, and in CI it must be`);
  console.info(`skipped: ${reason}`);
  return context.skip(reason);
}
