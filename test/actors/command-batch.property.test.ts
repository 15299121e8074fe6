import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packCommands, packOutcomes, unpackCommands, unpackOutcomes } from '#actors/command-batch';
import type { AppendRequest } from '#kernel/log/append-request';
import type { Outcome, WriterCommand } from '#kernel/log/log-writer';
import type { RowSecret } from '#kernel/log/row-draft';
import { BusError } from '#store';

const name = fc.constantFrom('a', 'b', 'a long name', 'ä', '日本');
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const part = fc.record({
  stream: name,
  expectedVersion: fc.oneof(
    fc.constantFrom('any' as const, 'no-stream' as const, 'stream-exists' as const),
    fc.nat(),
    fc.constant(Number.MAX_SAFE_INTEGER),
  ),
  eventCount: fc.integer({ min: 1, max: 4 }),
});
const row = {
  table: fc.constantFrom('timers' as const, 'snapshots' as const),
  key: fc.uint8Array({ maxLength: 40 }),
  value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
};
const secret: fc.Arbitrary<RowSecret> = fc.record({
  label: fc.constantFrom('timer' as const, 'snapshot' as const),
  owner: fc.record({
    kind: fc.constant('stream' as const),
    stream: name,
    subject: fc.option(name, { nil: undefined }),
  }),
  payload: fc.record({ encoding: fc.constantFrom(1, 2), bytes: fc.uint8Array({ maxLength: 40 }) }),
  ifErased: fc.constantFrom('refuse' as const, 'leave-out' as const, 'omit' as const),
});
const rows = fc.array(fc.oneof(fc.record(row), fc.record({ ...row, secret })), { maxLength: 3 });
const append = fc
  .record({
    parts: fc.array(part, { minLength: 1, maxLength: 3 }),
    records: bytes,
    idempotency: fc.option(
      fc.record({
        key: name,
        hash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => Buffer.from(hash)),
        isFirstWins: fc.boolean(),
      }),
      { nil: undefined },
    ),
    type: name,
    rows,
    subject: fc.option(name, { nil: undefined }),
    isNewKey: fc.boolean(),
  })
  .map(({ parts, type, rows: given, subject, isNewKey, ...request }): AppendRequest => {
    const count = parts.reduce((sum, { eventCount }) => sum + eventCount, 0);
    return {
      kind: 'append',
      parts,
      types: Array.from({ length: count }, (_, n) => (n % 2 ? type : 'other')),
      ...request,
      ...(given.length > 0 && { rows: given }),
      ...(subject && { subjects: Array.from({ length: count }, (_, n) => (n % 2 ? undefined : subject)) }),
      ...(isNewKey && { newKeyGeneration: true }),
    };
  });
const place = fc.record({ position: fc.nat(), generation: fc.nat() });
const move = fc.record({
  kind: fc.constant('move-cursor' as const),
  name,
  expected: fc.option(place, { nil: undefined }),
  to: place,
  rows,
});
const write = fc.record({ kind: fc.constant('write-rows' as const), rows });
const commands: fc.Arbitrary<WriterCommand[]> = fc.array(fc.oneof({ weight: 5, arbitrary: append }, move, write), {
  maxLength: 12,
});

test('commands come out of a batch as they went in, in their order, also through a structured clone', () => {
  fc.assert(
    fc.property(commands, (given) => {
      expect(unpackCommands(structuredClone(packCommands(given)))).toEqual(given);
    }),
  );
});

/** What a writer could answer to a command. */
function outcomeOf(command: WriterCommand, position: number, kind: 'written' | 'duplicate' | 'refused'): Outcome {
  if (kind === 'refused')
    return { error: new BusError('CONCURRENCY_CONFLICT', 'no', { stream: 'a', expected: 1, actual: 2 }) };
  if (command.kind !== 'append') return { results: [] };
  const results = command.parts.map(({ stream, eventCount }, index) => ({
    stream,
    firstVersion: 1 + index,
    lastVersion: index + eventCount,
    firstPosition: position + index,
    lastPosition: position + index + eventCount - 1,
    duplicate: kind === 'duplicate',
  }));
  return { results };
}

test('outcomes come out of a batch as they went in, beside the commands they are of', () => {
  const kind = fc.constantFrom('written' as const, 'duplicate' as const, 'refused' as const);
  fc.assert(
    fc.property(
      commands,
      fc.array(kind, { minLength: 12, maxLength: 12 }),
      fc.nat(2 ** 40),
      (given, kinds, position) => {
        const outcomes = given.map((command, index) => outcomeOf(command, position + index, kinds[index] ?? 'written'));

        const back = unpackOutcomes(structuredClone(packOutcomes(outcomes)), given);

        expect(back).toEqual(outcomes);
        for (const outcome of back) if ('error' in outcome) expect(outcome.error).toBeInstanceOf(BusError);
      },
    ),
  );
});
