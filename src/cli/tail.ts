/**
 * `varvebus tail`: new events as they become durable, until it is told to stop.
 */
import { type Command, exitCodes, numberOption } from './command.ts';
import { printPages, selectedEvents, selectionOptions } from './event-selection.ts';
import { untilStopped } from './until-stopped.ts';

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
