/** Appends that race with an erasure: each comes before it, and is erased with all the rest, or is refused. */
import { expect, test } from 'vitest';
import { type AppendResult, isBusError, openBus } from '#store';
import { collect } from '../kit/collect.ts';
import { tempDirectory } from '../kit/temp-store.ts';

const rounds = process.env.TEST_LONG === undefined ? 10 : 200;

test.each([{ stream: 'r' }, { subject: 'ann' }])(
  'no append is acked behind an erasure of %j and can not be read',
  async (what) => {
    await using bus = await openBus({ path: tempDirectory(), encryption: { masterKey: new Uint8Array(32) } });
    const acked: { readonly position: number; readonly round: number }[] = [];
    const erasedAt: number[] = [];
    let refused = 0;
    const append = async (round: number) => {
      const event = { type: 't', data: { round }, subject: 'ann' };
      const result: AppendResult | undefined = await bus.append('r', event).catch((error: unknown) => {
        if (!isBusError(error, 'KEY_ERASED')) throw error;
        refused++;
        return undefined;
      });
      if (result !== undefined) acked.push({ position: result.firstPosition, round });
    };

    for (let round = 0; round < rounds; round++) {
      await bus.append('r', { type: 't', data: { round }, subject: 'ann' }, { newKeyGeneration: true });
      const before = Array.from({ length: round % 7 }, () => append(round));
      const erasing = bus.erase(what);
      const behind = Array.from({ length: 20 }, async (_, turn) => {
        for (let left = turn; left > 0; left--) await new Promise(setImmediate);
        await append(round);
      });
      const [{ position }] = await Promise.all([erasing, ...before, ...behind]);
      erasedAt.push(position);
    }

    expect(refused).toBeGreaterThan(0);
    for (const { position, round } of acked) expect(position).toBeLessThan(erasedAt[round] as number);
    const events = await collect(bus.read({ streams: ['r'] }));
    expect(events.filter(({ erased }) => erased !== true)).toEqual([]);
  },
);
