/**
 * `varvebus timers`: the timers that have not fired yet, in the order in which they will.
 */
import type { PendingTimer, TimersOptions } from '../types.ts';
import { type Command, exitCodes, numberOption, type OptionValues } from './command.ts';
import { payloadLines, type TextOptions, textOptionsOf } from './event-text.ts';
import { jsonLine, taggedForm } from './json-form.ts';
import { printable } from './printable.ts';

export const timersCommand: Command = {
  options: { limit: { type: 'string' } },
  prepare: (values) => {
    const options = timersOptions(values);
    return async ({ bus, output, json }) => {
      const textOptions = textOptionsOf(output.stream);
      const format = json ? timerLine : (timer: PendingTimer) => timerText(timer, textOptions);
      for await (const page of bus.timers(options).pages()) {
        if (!(await output.writeEach(page, format))) break;
      }
      return exitCodes.ok;
    };
  },
};

function timersOptions(values: OptionValues): TimersOptions {
  const limit = numberOption(values, 'limit');
  return limit === undefined ? {} : { limit };
}

/** A timer on one line. `data` and `metadata` are left out where there are none. */
function timerLine({ data, metadata, ...timer }: PendingTimer): string {
  return jsonLine({
    ...timer,
    ...(data === undefined ? {} : { data: taggedForm(data) }),
    ...(metadata === undefined ? {} : { metadata: taggedForm(metadata) }),
  });
}

function timerText({ key, dueMs, stream, type, data, metadata }: PendingTimer, options: TextOptions): string {
  const lines = [`${new Date(dueMs).toISOString()}  ${stream}  ${type}  key ${printable(key)}`];
  return `${[...lines, ...payloadLines({ data, metadata }, options)].join('\n')}\n`;
}
