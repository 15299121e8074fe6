/**
 * `varvebus dead-letters`: what a processor gave up: to list, to look at, to have tried again, to discard.
 *
 * Reads beside the app that has the store open; to change letters it opens the store for writing itself, for a moment.
 */
import type { DeadLetter, DeadLetters } from '../../actors/dead-letters.ts';
import { checkConsumerName } from '../names.ts';
import {
  type Command,
  type CommandContext,
  type ExitCode,
  exitCodes,
  numberOption,
  type OptionValues,
  textOption,
} from './command.ts';
import { eventText, textOptionsOf } from './event-text.ts';
import { UsageError } from './failure.ts';
import { eventForm, jsonLine } from './json-form.ts';
import { grouped, printable } from './printable.ts';

export const deadLettersCommand: Command = {
  options: {
    after: { type: 'string' },
    limit: { type: 'string' },
    stream: { type: 'string' },
    show: { type: 'string' },
    retry: { type: 'string' },
    discard: { type: 'string' },
    reason: { type: 'string' },
  },
  operands: ['NAME'],
  isWriting: ({ retry, discard }) => retry !== undefined || discard !== undefined,
  prepare: (values, [name = '']) => {
    checkName(name);
    const action = actionOf(values);
    return (context) => action(context.bus.deadLetters(name), context);
  },
};

type Action = (letters: DeadLetters, context: CommandContext) => Promise<ExitCode>;

/** What is asked for, in full. @throws {UsageError} */
function actionOf(values: OptionValues): Action {
  const asked = ['show', 'retry', 'discard'].filter((option) => values[option] !== undefined);
  if (asked.length > 1) throw new UsageError(`--${asked[0]} and --${asked[1]} exclude each other`);
  const listing = ['after', 'limit', 'stream'].find((option) => values[option] !== undefined);
  if (asked.length > 0 && listing !== undefined) {
    throw new UsageError(`--${listing} is for the list, not for --${asked[0]}`);
  }
  const reason = textOption(values, 'reason');
  if ((values.discard === undefined) !== (reason === undefined)) {
    throw new UsageError('--discard takes a --reason, which is kept, and nothing else does');
  }
  if (reason === '') throw new UsageError('--reason must say something');
  if (values.show !== undefined) return showing(positionOption(values, 'show'));
  if (values.retry !== undefined) return retrying(choiceOption(values, 'retry'));
  if (reason !== undefined) return discarding(choiceOption(values, 'discard'), reason);
  return listingOf(values);
}

function listingOf(values: OptionValues): Action {
  const after = numberOption(values, 'after') ?? 0;
  const limit = numberOption(values, 'limit') ?? Number.POSITIVE_INFINITY;
  const stream = textOption(values, 'stream');
  return async (letters, { output, json }) => {
    const options = { after, limit, ...(stream !== undefined && { stream }) };
    let count = 0;
    if (limit > 0) {
      for await (const page of letters.list(options).pages()) {
        count += page.length;
        if (!(await output.writeEach(page, json ? letterLine : letterText))) return exitCodes.ok;
      }
    }
    if (count === 0 && !json) await output.write('no dead letters\n');
    return exitCodes.ok;
  };
}

function showing(position: number): Action {
  return async (letters, { output, json }) => {
    const letter = await letterAt(letters, position);
    if (json) await output.write(jsonLine({ ...letterForm(letter), event: eventForm(letter.event) }));
    else {
      const stack = letter.error.stack?.split('\n').map((line) => `    ${printable(line)}\n`) ?? [];
      await output.write(letterText(letter) + stack.join('') + eventText(letter.event, textOptionsOf(output.stream)));
    }
    return exitCodes.ok;
  };
}

function retrying(which: number | 'all'): Action {
  return async (letters, { output, json }) => {
    if (which !== 'all') await letterAt(letters, which);
    const outcome = await letters.retry(which);
    const text =
      outcome.waiting === 0
        ? 'nothing to try again: they wait already, or are discarded\n'
        : `${counted(outcome.waiting)} to be tried again when the processor starts next\n`;
    await output.write(json ? jsonLine(outcome) : text);
    return exitCodes.ok;
  };
}

function discarding(which: number | 'all', reason: string): Action {
  return async (letters, { output, json }) => {
    if (which !== 'all') await letterAt(letters, which);
    const discarded = await letters.discard(which, { reason });
    await output.write(json ? jsonLine({ discarded }) : `${counted(discarded)} discarded\n`);
    return exitCodes.ok;
  };
}

/** What is asked for by position has to be there. */
class NoLetterError extends Error {
  readonly code = 'NO_DEAD_LETTER';
}

async function letterAt(letters: DeadLetters, position: number): Promise<DeadLetter> {
  const letter = await letters.get(position);
  if (letter !== undefined) return letter;
  throw new NoLetterError(`${JSON.stringify(letters.name)} has no dead letter at position ${position}`);
}

function letterForm({ event, ...letter }: DeadLetter): object {
  return letter;
}

function letterLine(letter: DeadLetter): string {
  return jsonLine(letterForm(letter));
}

function letterText(letter: DeadLetter): string {
  const { position, stream, version, type, state, isParked, parkedBehind, error, attempts, lastMs, reason } = letter;
  const facts = [
    state,
    attempts === 1 ? '1 try' : `${grouped(attempts)} tries`,
    `last ${new Date(lastMs).toISOString()}`,
    ...(isParked && state !== 'discarded' ? [`${grouped(parkedBehind)} parked behind it`] : []),
  ];
  const code = error.code === undefined ? '' : ` [${error.code}]`;
  const lines = [
    `${position}  ${stream}@${version}  ${type}  ${facts.join(', ')}`,
    `  ${error.name}${code}: ${error.message}`,
    ...(reason === undefined ? [] : [`  discarded: ${reason}`]),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function counted(count: number): string {
  return `${grouped(count)} dead letter${count === 1 ? '' : 's'}`;
}

function positionOption(values: OptionValues, name: string): number {
  const position = numberOption(values, name);
  if (position !== undefined && position > 0) return position;
  throw new UsageError(`--${name} must be a position, got ${JSON.stringify(values[name])}`);
}

function choiceOption(values: OptionValues, name: string): number | 'all' {
  return values[name] === 'all' ? 'all' : positionOption(values, name);
}

function checkName(name: string): void {
  try {
    checkConsumerName(name);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
