/** What code in a reader thread sees of how the thread was started. */
import { inspect } from 'node:util';
import { workerData } from 'node:worker_threads';
import type { QueryDefinition } from '#actors/query';

export const query = {
  init: () => 0,
  step: (count) => count + 1,
  merge: (left, right) => left + right,
  finish: () => inspect({ workerData, env: process.env, argv: process.argv, execArgv: process.execArgv }, { depth: 9 }),
} satisfies QueryDefinition<number, undefined, string>;
