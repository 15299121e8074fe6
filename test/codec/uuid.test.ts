/** Ids are UUIDs of version 7, ascend within a millisecond, and have one text. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatUuid, nextUuid, parseUuid } from '#kernel/codec/uuid';
import { u48Max } from '#kernel/limits';

function idAt(timeMs: number): string {
  const bytes = new Uint8Array(16);
  nextUuid(bytes, 0, timeMs);
  return formatUuid(bytes, 0);
}

/** The counter of an id: 12 bits behind the version, 14 behind the variant. */
function counterOf(id: string): number {
  return Number.parseInt(id.slice(15, 18), 16) * 2 ** 14 + (Number.parseInt(id.slice(19, 23), 16) & 0x3fff);
}

describe('a new id', () => {
  test('has its time, version 7 and variant 10, as in RFC 9562', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: u48Max }), (timeMs) => {
        const id = idAt(timeMs);

        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(timeMs);
      }),
    );
  });

  test('is written at its offset and nowhere else', () => {
    const target = new Uint8Array(32).fill(0xaa);
    nextUuid(target, 7, u48Max);

    expect([...target.subarray(0, 7), ...target.subarray(23)]).toEqual(new Array(16).fill(0xaa));
    expect(formatUuid(target, 7)).toMatch(/^ffffffff-ffff-7/);
  });

  test('is greater than the one before in the same millisecond, in bytes and as text', () => {
    const ids = Array.from({ length: 50_000 }, () => idAt(1_700_000_000_000));

    // Not toEqual: its account of the difference between two long lists takes minutes.
    expect(ids.filter((id, ordinal) => ordinal > 0 && id <= (ids[ordinal - 1] as string))).toEqual([]);
  });

  test('counts on from a random number below half of the range', () => {
    const counters = Array.from({ length: 2000 }, (_, timeMs) => counterOf(idAt(timeMs)));

    expect(Math.max(...counters)).toBeLessThan(2 ** 25);
    expect(Math.max(...counters)).toBeGreaterThan(2 ** 24);
    expect(new Set(counters).size).toBeGreaterThan(1990);
    idAt(5);
    expect(counterOf(idAt(5))).toBe(counterOf(idAt(5)) - 1);
  });

  test('is another one each time, also across refills of the pool and when the clock steps back', () => {
    const ids = Array.from({ length: 20_000 }, (_, ordinal) => idAt(1_700_000_000_000 - (ordinal % 3)));

    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(ids.map((id) => id.slice(24))).size).toBe(ids.length);
  });

  test('has every random bit set in about half of all ids', () => {
    const count = 4000;
    const ones = new Array(48).fill(0);
    const bytes = new Uint8Array(16);
    for (let i = 0; i < count; i++) {
      nextUuid(bytes, 0, 1);
      for (let bit = 0; bit < 48; bit++) ones[bit] += ((bytes[10 + (bit >>> 3)] as number) >>> (bit & 7)) & 1;
    }

    // Seven standard deviations: wrong once in 10^10 runs.
    for (const sum of ones) expect(Math.abs(sum - count / 2)).toBeLessThan(7 * Math.sqrt(count / 4));
  });

  test('has random bits up to its end, also where the pool of random bytes ends', () => {
    const endings = Array.from({ length: 20_000 }, () => idAt(1).slice(32));

    // One in 65,536 by chance; one in 683 if each pool's last id were short of random bytes.
    expect(endings.filter((ending) => ending === '0000').length).toBeLessThan(8);
  });

  test.each([-1, 0.5, u48Max + 1, Number.NaN])('is not made for the time %s', (timeMs) => {
    expect(() => idAt(timeMs)).toThrow(expect.objectContaining({ code: 'INTERNAL_BUG' }));
  });
});

describe('the text of an id', () => {
  test('is that of its bytes', () => {
    const bytes = Uint8Array.from({ length: 20 }, (_, ordinal) => ordinal * 13);

    expect(formatUuid(bytes, 2)).toBe('1a273441-4e5b-6875-828f-9ca9b6c3d0dd');
    expect(formatUuid(new Uint8Array(16).fill(0xff), 0)).toBe('ffffffff-ffff-ffff-ffff-ffffffffffff');
    expect(formatUuid(bytes, 2)).toBe('1a273441-4e5b-6875-828f-9ca9b6c3d0dd');
  });

  test('gives back its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(9), (bytes, offset) => {
        const target = new Uint8Array(offset + 16);

        expect(parseUuid(formatUuid(bytes, 0), target, offset)).toBe(true);
        expect(target.subarray(offset)).toEqual(bytes);
      }),
    );
  });

  test('is the only one that is parsed', () => {
    const id = '01a1ffe3-feb2-74b8-a812-b16dbfb74050';
    const other = [
      '',
      id.toUpperCase(),
      id.slice(1),
      `${id}0`,
      `{${id}}`,
      id.replaceAll('-', ''),
      `${id.replaceAll('-', '')}0000`,
      id.replace('-', '0'),
      '01a1ffe-3feb2-74b8-a812-b16dbfb74050',
      '01a1ffe3-feb2-74b8-a812-b16dbfb7405g',
      '01a1ffe3-feb2-74b8-a812-b16dbfb7405/',
      '01a1ffe3-feb2-74b8-a812-b16dbfb7405:',
      '01a1ffe3-feb2-74b8-a812-b16dbfb7405`',
      '01a1ffe3-feb2-74b8-a812-b16dbfb7405é',
      '01a1ffe3-feb2-74b8-a812-b16dbfb7405\u{1d7d8}'.slice(0, 36),
      '0\u013131ffe3-feb2-74b8-a812-b16dbfb74050'.slice(0, 36),
    ];

    expect(parseUuid(id, new Uint8Array(16), 0)).toBe(true);
    for (const text of other) expect([text, parseUuid(text, new Uint8Array(16), 0)]).toEqual([text, false]);
  });

  test('comes back from whatever is parsed', () => {
    const ids = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatUuid(bytes, 0));
    const nearly = fc
      .tuple(ids, fc.nat(35), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
      .map(([id, at, text]) => id.slice(0, at) + text + id.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(ids, nearly), (id) => {
        const bytes = new Uint8Array(16);
        if (parseUuid(id, bytes, 0)) expect(formatUuid(bytes, 0)).toBe(id);
      }),
    );
  });
});
