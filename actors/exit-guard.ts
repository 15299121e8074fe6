/**
 * Keeps the end of the process from falling into a commit of the writer's thread.
 *
 * When a process ends by `process.exit` or an uncaught exception, Node stops its threads wherever they are. Inside an LMDB
 * transaction that makes the process hang or abort (docs/decisions/0009). So, only while commits may be under way, one
 * listener of 'exit' waits for the writers to leave their transactions. It decides nothing about the exit itself.
 */
import type { SharedState } from './shared-state.ts';

/** Longest that an exit waits for a commit. Milliseconds. */
const exitWaitMs = 10_000;

const guarded = new Set<SharedState>();

/** From now on an exit waits for the commit of `state` that is under way. Twice is as once. */
export function guardExit(state: SharedState): void {
  if (guarded.size === 0) process.on('exit', haltAll);
  guarded.add(state);
}

export function releaseExit(state: SharedState): void {
  if (guarded.delete(state) && guarded.size === 0) process.off('exit', haltAll);
}

function haltAll(): void {
  for (const state of guarded) state.halt(exitWaitMs);
}
