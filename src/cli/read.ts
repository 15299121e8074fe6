/**
 * `varvebus read`: the events of a store, up to its head at the start.
 */
import type { Bus } from '../../actors/bus.ts';
import type { Pages, ReadOptions, StoredEvent } from '../types.ts';
import { type Command, exitCodes, numberOption, type OptionValues } from './command.ts';
import { printPages, selectedEvents, selectionOptions } from './event-selection.ts';

export const readCommand: Command = {
  options: {
    ...selectionOptions,
    from: { type: 'string' },
    to: { type: 'string' },
    backward: { type: 'boolean' },
  },
  prepare: (values) => {
    const options = readOptions(values);
    return async (context) => {
      await printPages(selected(context.bus, options).pages(), Number.POSITIVE_INFINITY, context);
      return exitCodes.ok;
    };
  },
};

function readOptions(values: OptionValues): ReadOptions {
  const [from, to, limit] = ['from', 'to', 'limit'].map((name) => numberOption(values, name));
  return {
    ...selectedEvents(values),
    direction: values.backward === true ? 'backward' : 'forward',
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(limit === undefined ? {} : { limit }),
  };
}

/** One whole stream is found by the index; anything else is a walk along the log. */
function selected(bus: Bus, options: ReadOptions): Pages<StoredEvent> {
  const { streams, types, prefix, from, to, ...range } = options;
  const [stream, ...others] = streams ?? [];
  const isWhole = types === undefined && prefix === undefined && from === undefined && to === undefined;
  return stream !== undefined && others.length === 0 && isWhole ? bus.readStream(stream, range) : bus.read(options);
}
