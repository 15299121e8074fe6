/** What code in a reader thread sees of how the thread was started. */
import { inspect } from 'node:util';
import { workerData } from 'node:worker_threads';

export const init = (): string => '';
export const step = (seen: string): string => seen;
export const merge = (seen: string): string => seen;
export const finish = (): string =>
  inspect({ workerData, env: process.env, argv: process.argv, execArgv: process.execArgv }, { depth: 9 });
