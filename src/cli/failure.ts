/**
 * How a failure is shown: a line for people, one JSON object with `--json`. Both go to stderr.
 */
import { BusError } from '../errors.ts';
import { helpByCommand } from './help.ts';
import { jsonLine } from './json-form.ts';
import { printable } from './printable.ts';

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `args` is the command line: with `--json`, and by its command, whose help would tell more. */
export function describeFailure(error: unknown, args: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (args.includes('--json'))
    return jsonLine({ error: { code, message, detail: error instanceof BusError ? error.detail : {} } });
  if (code === usage) return `varvebus: ${printable(message)}\n${usageHint(args)}`;
  // What has no code is a bug: where it happened is part of the message then.
  const shown = code === unexpected && error instanceof Error ? (error.stack ?? message) : message;
  return `varvebus: ${code}: ${shown.split('\n').map(printable).join('\n')}\n`;
}

const usage = 'USAGE';
const unexpected = 'UNEXPECTED';

function usageHint(args: readonly string[]): string {
  const command = args.find((arg) => helpByCommand.has(arg));
  return `See: varvebus ${command === undefined ? '' : `${command} `}--help\n`;
}

/** Node's own errors have a code too. */
function codeOf(error: unknown): string {
  if (error instanceof UsageError) return usage;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : unexpected;
}
