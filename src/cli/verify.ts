/**
 * `varvebus verify`: checks the whole store and tells what is wrong.
 */
import type { VerifyReport } from '../log/verify.ts';
import type { SealCounts } from '../log/verify-seals.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonLine } from './json-form.ts';
import { grouped, printable } from './printable.ts';
import { Progress } from './progress.ts';

export const verifyCommand: Command = {
  options: { erased: { type: 'boolean' } },
  prepare:
    ({ erased = false }) =>
    async ({ bus, output, messages, json }) => {
      const progress = json ? undefined : new Progress(messages);
      const report = await bus.verify({
        erased: erased === true,
        onProgress: ({ position, head, bytes = position, bytesTotal = head }) => progress?.show(bytes, bytesTotal),
      });
      progress?.clear();
      await output.write(json ? jsonLine(report) : reportText(report));
      return report.ok ? exitCodes.ok : exitCodes.damaged;
    },
};

function reportText(report: VerifyReport): string {
  const { events, streams, blocks, commits, idempotencyKeys, encryption, problemCount, problems } = report;
  const checked = [
    counted(events, 'event'),
    counted(streams, 'stream'),
    counted(commits, 'commit'),
    counted(blocks, 'block'),
    counted(idempotencyKeys, 'idempotency key'),
    ...(encryption === undefined ? [] : [sealsText(encryption)]),
  ].join(', ');
  const search = erasedText(report.erased);
  if (problemCount === 0) return `ok: ${checked}; nothing is wrong\n${search}`;
  const lines = problems.map(({ table, position, message }) => {
    const place = position === undefined ? table : `${table} at ${grouped(position)}`;
    return `  ${printable(place)}: ${printable(message)}\n`;
  });
  const more = problemCount > problems.length ? `  and ${grouped(problemCount - problems.length)} more\n` : '';
  return `DAMAGED: ${counted(problemCount, 'problem')} (checked ${checked})\n${lines.join('')}${more}${search}`;
}

/** Every event of a stream that is not our own is one of the three. */
function sealsText({ sealedEvents, erasedEvents, plainEvents }: SealCounts): string {
  return `${grouped(sealedEvents)} sealed, ${grouped(erasedEvents)} erased, ${grouped(plainEvents)} plain`;
}

/** What the search for erased keys has found; nothing when there was none. */
function erasedText(erased: VerifyReport['erased']): string {
  if (erased === undefined) return '';
  const { keys, files, bytes, problemCount, problems } = erased;
  const searched = `${counted(keys, 'erased key')} in ${counted(files, 'file')}, ${counted(bytes, 'byte')}`;
  if (erased.ok) return `ok: looked for ${searched}; nothing is left\n`;
  const lines = problems.map(
    ({ file, offset, keyId, what }) => `  ${printable(file)} at byte ${grouped(offset)}: ${what} ${grouped(keyId)}\n`,
  );
  const more = problemCount > problems.length ? `  and ${grouped(problemCount - problems.length)} more\n` : '';
  return `LEFT OVER: ${counted(problemCount, 'place')} (looked for ${searched})\n${lines.join('')}${more}`;
}

function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}
