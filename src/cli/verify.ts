/**
 * `varvebus verify`: checks the whole store and tells what is wrong.
 */
import type { VerifyReport } from '../log/verify.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonLine } from './json-form.ts';
import { grouped, printable } from './printable.ts';
import { Progress } from './progress.ts';

export const verifyCommand: Command = {
  options: {},
  prepare:
    () =>
    async ({ bus, output, messages, json }) => {
      const progress = json ? undefined : new Progress(messages);
      const report = await bus.verify({ onProgress: ({ position, head }) => progress?.show(position, head) });
      progress?.clear();
      await output.write(json ? jsonLine(report) : reportText(report));
      return report.ok ? exitCodes.ok : exitCodes.damaged;
    },
};

function reportText(report: VerifyReport): string {
  const { events, streams, blocks, commits, idempotencyKeys, problemCount, problems } = report;
  const checked = [
    counted(events, 'event'),
    counted(streams, 'stream'),
    counted(commits, 'commit'),
    counted(blocks, 'block'),
    counted(idempotencyKeys, 'idempotency key'),
  ].join(', ');
  if (report.ok) return `ok: ${checked}; nothing is wrong\n`;
  const lines = problems.map(({ table, position, message }) => {
    const place = position === undefined ? table : `${table} at ${grouped(position)}`;
    return `  ${printable(place)}: ${printable(message)}\n`;
  });
  const more = problemCount > problems.length ? `  and ${grouped(problemCount - problems.length)} more\n` : '';
  return `DAMAGED: ${counted(problemCount, 'problem')} (checked ${checked})\n${lines.join('')}${more}`;
}

function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}
