/**
 * What a command is: its options, and what it does, most of them with an open store.
 *
 * Also reads the options' values: a wrong one is refused before the store is opened.
 */
import type { ParseArgsConfig } from 'node:util';
import type { Bus } from '../../actors/bus.ts';
import { UsageError } from './failure.ts';
import type { Output, OutputStream } from './output.ts';

/** How the process ends. Documented in help.ts. */
export const exitCodes = Object.freeze({ ok: 0, damaged: 1, usage: 2, failed: 3 });
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What every command works with. */
export interface StorelessContext {
  /** What the command is for: stdout. */
  readonly output: Output;
  /** What is said to people meanwhile: stderr. */
  readonly messages: OutputStream;
  readonly json: boolean;
}

/** The store is open read-only, unless the command writes. */
export interface CommandContext extends StorelessContext {
  readonly bus: Bus;
}

export type OptionValues = Readonly<Record<string, unknown>>;

export interface Command {
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** What is given behind the directory, as it is called in the help. @default nothing */
  readonly operands?: readonly string[];
  /** Whether the store is to be opened for writing. @default never */
  readonly isWriting?: (values: OptionValues) => boolean;
  /** Checks the values, and what is given behind the directory, and gives what is to be done. @throws {UsageError} */
  readonly prepare: (
    values: OptionValues,
    operands: readonly string[],
  ) => (context: CommandContext) => Promise<ExitCode>;
}

/** A command that opens no store. */
export interface StorelessCommand {
  readonly isStoreless: true;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Checks what is given, and gives what is to be done. @throws {UsageError} */
  readonly prepare: (
    values: OptionValues,
    operands: readonly string[],
  ) => (context: StorelessContext) => Promise<ExitCode>;
}

/** The whole number given for an option, if any. @throws {UsageError} */
export function numberOption(values: OptionValues, name: string): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new UsageError(`--${name} must be a whole number from 0 on, got ${JSON.stringify(text)}`);
  }
  return value;
}

/** The text given for an option, if any. */
export function textOption(values: OptionValues, name: string): string | undefined {
  return values[name] as string | undefined;
}

/** All texts given for an option that may be repeated, if any. */
export function listOption(values: OptionValues, name: string): readonly string[] | undefined {
  return values[name] as readonly string[] | undefined;
}
