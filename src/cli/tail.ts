/**
 * `varvebus tail`: new events as they become durable, until it is told to stop.
 */
import { isBusError } from '../errors.ts';
import { type Command, exitCodes, numberOption } from './command.ts';
import { printPages, selectedEvents, selectionOptions } from './event-selection.ts';

export const tailCommand: Command = {
  options: { ...selectionOptions, after: { type: 'string' } },
  prepare: (values) => {
    const filter = selectedEvents(values);
    const after = numberOption(values, 'after');
    const limit = numberOption(values, 'limit') ?? Number.POSITIVE_INFINITY;
    return async (context) => {
      const { bus } = context;
      await untilStopped(async (signal) => {
        await printPages(bus.subscribe({ ...filter, after: after ?? bus.head, signal }).pages(), limit, context);
      });
      return exitCodes.ok;
    };
  },
};

/**
 * Runs `work` to its end, or until the first SIGINT or SIGTERM. The second ends the process as usual, should the reader of
 * the output be stuck.
 */
async function untilStopped(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
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
