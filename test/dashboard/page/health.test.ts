import { describe, expect, test } from 'vitest';
import { errorText, healthOf } from '../../../src/dashboard/page/health.ts';
import type { ProcessorRow, StoreTopic } from '../../../src/dashboard/wire.ts';

function row(name: string, changes: Partial<ProcessorRow> = {}): ProcessorRow {
  const numbers = { position: 10, lag: 0, rate: 5, handled: 10, attempts: 0, sinceMs: 1, partitions: 0 };
  return {
    name,
    kind: 'processor',
    state: 'live',
    tags: ['running'],
    ...numbers,
    deadLetters: 0,
    parked: 0,
    ...changes,
  };
}

const open: Partial<StoreTopic> = { state: 'open' };
const lastError = { name: 'TypeError', message: 'no email' };

describe('health', () => {
  test('all is well while processors work, catch up, or rest because they were told to', () => {
    const rows = [
      row('a'),
      row('b', { state: 'catching-up', lag: 9000 }),
      row('c', { state: 'paused', lag: 5, tags: ['resting'] }),
    ];

    expect(healthOf(open, [...rows, row('d', { state: 'absent' })])).toEqual({
      tone: 'good',
      line: 'All is well',
      findings: [],
    });
  });

  test('a failed processor is bad, is named with its error, and leads to its page', () => {
    const { tone, line, findings } = healthOf(open, [
      row('a'),
      row('b', { state: 'failed', tags: ['resting', 'unhealthy'], lastError }),
    ]);

    expect([tone, line]).toEqual(['bad', '1 processor has failed']);
    expect(findings).toEqual([
      {
        tone: 'bad',
        subject: 'b',
        text: 'has failed',
        detail: 'TypeError: no email',
        to: { page: 'processor', name: 'b' },
      },
    ]);
  });

  test('one that retries is a warning with the time of its next try', () => {
    const retrying = row('a', {
      state: 'retrying',
      tags: ['running', 'unhealthy'],
      attempts: 3,
      nextRetryAt: 77,
      lastError,
    });

    const { tone, line, findings } = healthOf(open, [retrying]);

    expect([tone, line]).toEqual(['warn', '1 processor is retrying']);
    expect(findings[0]).toMatchObject({ text: 'is retrying after 3 failures', retryAt: 77 });
  });

  test('one that lives while a partition of it is in trouble is a warning', () => {
    const { tone, findings } = healthOf(open, [row('a', { tags: ['running', 'unhealthy'], partitions: 4 })]);

    expect(tone).toBe('warn');
    expect(findings[0]?.text).toBe('has partitions in trouble');
  });

  test('one that is behind and does not move is bad, and is told once', () => {
    const { tone, line, findings } = healthOf(open, [
      row('a', { tags: ['running', 'unhealthy', 'stalled'], lag: 1234 }),
    ]);

    expect([tone, line, findings.length]).toEqual(['bad', '1 processor does not move', 1]);
    expect(findings[0]?.text).toBe('does not move, 1,234 events behind');
  });

  test('dead letters are a warning that leads to them', () => {
    const { tone, line, findings } = healthOf(open, [row('a', { deadLetters: 2, parked: 1 })]);

    expect([tone, line]).toEqual(['warn', '2 dead letters, 1 event is parked']);
    expect(findings[0]).toMatchObject({ to: { page: 'dead-letters' }, query: { processor: 'a' } });
  });

  test('the worst comes first, and sets the tone', () => {
    const rows = [
      row('letters', { deadLetters: 1 }),
      row('tries', { state: 'retrying' }),
      row('gone', { state: 'failed' }),
    ];

    const { tone, line, findings } = healthOf({ state: 'failed' }, rows);

    expect(tone).toBe('bad');
    expect(findings.map(({ subject }) => subject)).toEqual(['The writer', 'gone', 'tries', 'letters']);
    expect(line).toMatch(/^The writer has failed.*1 processor has failed, 1 processor is retrying$/);
  });

  test('a store that no process writes is neither well nor ill, but what stands still in it is told', () => {
    expect(healthOf({ state: 'absent' }, [row('a', { state: 'absent' })]).tone).toBe('rest');
    const { tone, line } = healthOf({ state: 'absent' }, [row('a', { state: 'absent', deadLetters: 1 })]);
    expect({ tone, line }).toEqual({ tone: 'warn', line: 'No process has this store open for writing, 1 dead letter' });
  });

  test('a reader table that is almost full is bad, and a disk that syncs in a second a warning', () => {
    const file = { fileBytes: 1, mapBytes: 1, usedBytes: 1, freeBytes: 0, indexedPosition: 0 };
    const rates = { append: 0, read: 0, commits: 1, commitMicrosP50: 900_000, commitMicrosP99: 1_200_000 };

    expect(healthOf({ state: 'open', file: { ...file, readers: 120, readersMax: 126 } }, []).tone).toBe('bad');
    expect(healthOf({ state: 'open', file: { ...file, readers: 0, readersMax: 0 } }, []).tone).toBe('good');
    expect(healthOf({ state: 'open', rates }, []).findings[0]?.text).toBe('is slow: a commit takes up to 1.2 s');
  });
});

test('an error in a line has its code or name where that says something', () => {
  expect(errorText({ name: 'Error', message: 'plain' })).toBe('plain');
  expect(errorText({ name: 'Error', code: 'ECONNREFUSED', message: 'no one there' })).toBe(
    'ECONNREFUSED: no one there',
  );
  expect(errorText({ name: 'RangeError', message: '' })).toBe('RangeError');
});
