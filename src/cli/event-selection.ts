/**
 * The options that `read` and `tail` share: which events, and how they are printed.
 */
import { BusError } from '../errors.ts';
import { checkStreamName } from '../names.ts';
import type { EventFilter, StoredEvent } from '../types.ts';
import { type CommandContext, listOption, type OptionValues, textOption } from './command.ts';
import { eventText, textOptionsOf } from './event-text.ts';
import { UsageError } from './failure.ts';
import { eventLine } from './json-form.ts';

export const selectionOptions = {
  limit: { type: 'string' },
  type: { type: 'string', multiple: true },
  stream: { type: 'string', multiple: true },
  prefix: { type: 'string' },
} as const;

/** @throws {UsageError} for a name that no stream can have. */
export function selectedEvents(values: OptionValues): EventFilter {
  const [types, streams, prefix] = [
    listOption(values, 'type'),
    listOption(values, 'stream'),
    textOption(values, 'prefix'),
  ];
  for (const stream of streams ?? []) checkName(stream);
  return {
    ...(types === undefined ? {} : { types }),
    ...(streams === undefined ? {} : { streams }),
    ...(prefix === undefined ? {} : { prefix }),
  };
}

/** Prints pages of events as they come, until they end, `limit` is reached or nobody reads any more. */
export async function printPages(
  pages: AsyncIterable<StoredEvent[]>,
  limit: number,
  { output, json }: CommandContext,
): Promise<void> {
  const textOptions = textOptionsOf(output.stream);
  const format = json ? eventLine : (event: StoredEvent) => eventText(event, textOptions);
  let left = limit;
  if (left <= 0) return;
  for await (const page of pages) {
    const isRead = await output.writeEach(page.slice(0, left), format);
    left -= page.length;
    if (!isRead || left <= 0) return;
  }
}

function checkName(stream: string): void {
  try {
    checkStreamName(stream);
  } catch (error) {
    if (error instanceof BusError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
