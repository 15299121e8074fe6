/**
 * Two writers that both believe to hold the store: the epoch in every commit lets only the later one write.
 *
 * The lock is lost by force here, as a careless operator or a broken file system may do it.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openBus } from '#store';
import { RemoteBus } from '../kit/crash-bus.ts';
import { crashDirectory } from '../kit/crash-directory.ts';

describe.each([
  { how: 'deleted', loseLock: (path: string) => rmSync(join(path, 'writer.lock')) },
  {
    how: 'replaced',
    loseLock: (path: string) => {
      writeFileSync(`${path}.other`, '');
      renameSync(`${path}.other`, join(path, 'writer.lock'));
    },
  },
])('when writer.lock is $how and another process takes the store over', ({ loseLock }) => {
  /** Two processes with the same store open for writing; the first has made three events. */
  async function openTwice(): Promise<{ path: string; first: RemoteBus; second: RemoteBus }> {
    const path = join(crashDirectory(), 'store');
    const first = await RemoteBus.open({ path });
    for (let n = 1; n <= 3; n++) await first.append('shared', { type: 'counted', data: n });
    loseLock(path);
    return { path, first, second: await RemoteBus.open({ path }) };
  }

  test('the next appends of the first writer are refused with WRITER_FENCED, so is every later one, and nothing of them is written', async () => {
    const { path, first, second } = await openTwice();

    const late = await first.appendAll([
      ['shared', [{ type: 'late' }, { type: 'late' }]],
      ['other', { type: 'late' }, { idempotencyKey: 'late' }],
    ]);
    await expect(first.append('other', { type: 'late' })).rejects.toMatchObject({ code: 'WRITER_FENCED' });
    await second.append('shared', { type: 'in-time' }, { expectedVersion: 3 });

    const refusal = { error: { code: 'WRITER_FENCED', detail: { path } } };
    expect(late).toMatchObject([refusal, refusal]);
    expect((await second.read()).map(({ type }) => type)).toEqual(['counted', 'counted', 'counted', 'in-time']);
    expect(await second.append('other', { type: 'again' }, { idempotencyKey: 'late' })).toMatchObject({
      duplicate: false,
    });
    await first.program.crash();
    await second.program.crash();
    await using bus = await openBus({ path });
    expect(await bus.verify()).toMatchObject({ ok: true, events: 5 });
  });

  test('the second writer goes on while the first closes', async () => {
    const { path, first, second } = await openTwice();
    await second.append('shared', { type: 'in-time' });

    await first.close();
    expect(await first.ended()).toMatchObject({ code: 0, signal: null });

    expect(await second.append('shared', { type: 'in-time' })).toMatchObject({ firstPosition: 5, firstVersion: 5 });
    expect(await second.verify()).toMatchObject({ ok: true, events: 5, indexedPosition: 0 });
    await expect(RemoteBus.open({ path })).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      detail: { holder: expect.stringContaining(String(second.pid)) },
    });
  });
});
