/**
 * Commands that go on until they are told to stop.
 */
import { isBusError } from '../errors.ts';

/**
 * Runs `work` to its end, or until the first SIGINT or SIGTERM. The second ends the process as usual, should the reader of
 * the output be stuck.
 */
export async function untilStopped(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const unlisten = () => {
    for (const signal of stopSignals) process.off(signal, stop);
  };
  const stop = () => {
    unlisten();
    controller.abort();
  };
  for (const signal of stopSignals) process.on(signal, stop);
  try {
    await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted || !isBusError(error, 'ABORTED')) throw error;
  } finally {
    unlisten();
  }
}

const stopSignals = ['SIGINT', 'SIGTERM'] as const;
