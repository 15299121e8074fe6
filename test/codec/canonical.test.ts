/** Equal content has an equal hash, and different content a different one. */
import { createHash } from 'node:crypto';
import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentHash, type HashedEvent } from '#kernel/codec/canonical';
import { decodePayload, encodePayload } from '#kernel/codec/payload';
import { asStored, storableMetadata, storableName, storableValue } from '../kit/arbitrary-payload.ts';

const event: HashedEvent = { type: 'placed', id: undefined, data: undefined, metadata: undefined };

function hashOf(data: unknown): string {
  return hex(contentHash([{ stream: 'orders', events: [{ ...event, data }] }]));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function stored(value: unknown, root: 'data' | 'metadata'): unknown {
  const { encoding, bytes } = encodePayload(value, 0, root);
  return decodePayload(encoding, bytes, 0, bytes.length);
}

/** The same content with the names of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, reversed);
  if (value instanceof Map) return new Map(Array.from(value, ([key, member]) => [reversed(key), reversed(member)]));
  if (value instanceof Set) return new Set(Array.from(value, reversed));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([name, member]) => [name, reversed(member)]));
}

describe('the hash is the same', () => {
  test('for a value and for what comes back when it was stored', () => {
    fc.assert(
      fc.property(storableValue, storableMetadata, (data, metadata) => {
        const given = [{ stream: 's', events: [{ ...event, data, metadata }] }];
        const back = [
          { stream: 's', events: [{ ...event, data: stored(data, 'data'), metadata: stored(metadata, 'metadata') }] },
        ];

        expect(hex(contentHash(back))).toBe(hex(contentHash(given)));
      }),
    );
  });

  test('for another order of names', () => {
    fc.assert(
      fc.property(storableValue, (data) => {
        expect(hashOf(reversed(asStored(data)))).toBe(hashOf(data));
      }),
    );
    expect(hashOf({ b: 1, a: { d: 1, c: 2 }, '': 0 })).toBe(hashOf({ '': 0, a: { c: 2, d: 1 }, b: 1 }));
  });

  test.each<[string, unknown, unknown]>([
    ['0 and -0', 0, -0],
    ['the bit patterns of NaN', Number.NaN, new Float64Array(new BigUint64Array([0xfff8_0000_0000_0001n]).buffer)[0]],
    ['a hole and undefined', new Array(1), [undefined]],
    ['an object with and without prototype', { a: 1 }, Object.assign(Object.create(null), { a: 1 })],
    ['a Buffer and a Uint8Array', Buffer.from('a'), new Uint8Array([97])],
    ['a window and a copy', new Uint8Array([1, 2, 3]).subarray(1), new Uint8Array([2, 3])],
    ['a Date of another realm', new Date(5), vm.runInNewContext('new Date(5)')],
    ['a Map of another realm', new Map([[[1], { a: 1 }]]), vm.runInNewContext('new Map([[[1], { a: 1 }]])')],
    ['a typed array of another realm', new Int16Array([1]), vm.runInNewContext('new Int16Array([1])')],
  ])('for %s', (_, left, right) => {
    expect(hashOf(right)).toBe(hashOf(left));
  });
});

describe('the hash differs', () => {
  // Every two of these.
  const contents: unknown[] = [
    undefined,
    null,
    false,
    true,
    0,
    1,
    '',
    '0',
    '1',
    'null',
    0n,
    1n,
    -1n,
    16n,
    '10',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    new Date(0),
    new Date(1),
    new Date(Number.NaN),
    [],
    [undefined],
    [null],
    [1],
    ['1'],
    [[1]],
    [1, 2],
    [2, 1],
    [[1], 2],
    ['ab'],
    ['a', 'b'],
    {},
    { a: undefined },
    { a: null },
    { a: 1 },
    { b: 1 },
    { a: '1' },
    { a: 1, b: 2 },
    { a: 2, b: 1 },
    { a: { b: 2 } },
    { 0: 1 },
    { ab: 'c' },
    { a: 'bc' },
    new Map(),
    new Map([['a', 1]]),
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
    new Map([
      ['b', 2],
      ['a', 1],
    ]),
    new Map([[1, 1]]),
    new Map<unknown, unknown>([[1, '1']]),
    new Set(),
    new Set([1]),
    new Set(['1']),
    new Set([1, 2]),
    new Set([2, 1]),
    new Uint8Array(0),
    new Uint8Array([1]),
    new Uint8Array([0, 0, 128, 63]),
    new Float32Array([1]),
    new Int32Array([0x3f80_0000]),
    new Uint32Array([0x3f80_0000]),
    new Int8Array([1]),
    new Uint8ClampedArray([1]),
    new ArrayBuffer(0),
    new ArrayBuffer(1),
    new DataView(new ArrayBuffer(1)),
    'x'.repeat(256),
    'x'.repeat(257),
    ['x'.repeat(257), ''],
    ['', 'x'.repeat(257)],
  ];

  test('for contents that look alike', () => {
    const placeByHash = new Map(contents.map((content, place) => [hashOf(content), place]));

    expect([...placeByHash.values()]).toEqual(contents.map((_, place) => place));
  });

  test('for different contents', () => {
    fc.assert(
      fc.property(storableValue, storableValue, (left, right) => {
        // The payload has one form for each content but for the order of names.
        const same =
          hex(encodePayload(sorted(left), 0, 'data').bytes) === hex(encodePayload(sorted(right), 0, 'data').bytes);
        expect(hashOf(left) === hashOf(right)).toBe(same);
      }),
    );
  });

  test('for a change anywhere', () => {
    fc.assert(
      fc.property(storableMetadata, storableName, storableValue, (data, name, value) => {
        const changed = { ...data, [name]: value };
        const same =
          hex(encodePayload(sorted(data), 0, 'data').bytes) === hex(encodePayload(sorted(changed), 0, 'data').bytes);
        expect(hashOf(changed) === hashOf(data)).toBe(same);
      }),
    );
  });

  test('for where a value is: stream, type, id, data, metadata, another event, another stream', () => {
    const x = { ...event, type: 'x' };
    const calls = [
      [],
      [{ stream: 'a', events: [] }],
      [{ stream: 'a', events: [event] }],
      [{ stream: 'b', events: [event] }],
      [{ stream: 'a', events: [x] }],
      [{ stream: 'a', events: [{ ...event, id: 'x' }] }],
      [{ stream: 'a', events: [{ ...event, data: 'x' }] }],
      [{ stream: 'a', events: [{ ...event, metadata: 'x' }] }],
      [{ stream: 'a', events: [event, event] }],
      [{ stream: 'a', events: [event, x] }],
      [{ stream: 'a', events: [x, event] }],
      [
        { stream: 'a', events: [event] },
        { stream: 'b', events: [x] },
      ],
      [
        { stream: 'b', events: [x] },
        { stream: 'a', events: [event] },
      ],
      [
        { stream: 'a', events: [event, x] },
        { stream: 'b', events: [] },
      ],
    ];

    expect(new Set(calls.map((call) => hex(contentHash(call)))).size).toBe(calls.length);
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, sorted);
  if (value instanceof Map) return new Map(Array.from(value, ([key, member]) => [sorted(key), sorted(member)]));
  if (value instanceof Set) return new Set(Array.from(value, sorted));
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return value;
  if (value instanceof Date) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted((value as Record<string, unknown>)[name])]),
  );
}

describe('the form', () => {
  test('is the one that the header describes', () => {
    const u32 = (value: number): string => value.toString(16).padStart(8, '0');
    const text = (value: string): string => u32(Buffer.byteLength(value)) + Buffer.from(value).toString('hex');
    const call = [
      {
        stream: 'é',
        events: [
          { type: 't', id: 'i', data: { b: [1, -0, Number.NaN], a: new Map([[-255n, 'x']]) }, metadata: undefined },
        ],
      },
    ];
    const form = [
      `41${u32(1)}41${u32(2)}73${text('é')}41${u32(1)}41${u32(4)}73${text('t')}73${text('i')}`,
      `4f${u32(2)}${text('a')}4d${u32(1)}69${text('-ff')}73${text('x')}`,
      `${text('b')}41${u32(3)}643ff0000000000000640000000000000000647ff8000000000000`,
      '75',
    ];

    expect(hex(contentHash(call))).toBe(
      createHash('sha256')
        .update(Buffer.from(form.join(''), 'hex'))
        .digest('hex'),
    );
  });

  test('stays as it is in stored hashes', () => {
    const data = {
      all: [
        undefined,
        null,
        true,
        false,
        1.5,
        2n ** 70n,
        'x'.repeat(300),
        new Date(1),
        new Date(Number.NaN),
        new Set([1]),
      ],
      binary: [new Uint8Array([1]), new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), new Float64Array([1])],
      many: Array.from({ length: 1000 }, (_, ordinal) => ({ ordinal, text: `é${ordinal}` })),
    };

    expect(hashOf(data)).toBe('4f12da2881e79a3dafe2f0509dee15e9cb8ed83ed388d901d1e187f47a09eac7');
  });

  test('has 32 bytes of its own', () => {
    const hash = contentHash([]);

    expect(hash).toBeInstanceOf(Uint8Array);
    expect([hash.constructor, hash.length, hash.buffer.byteLength]).toEqual([Uint8Array, 32, 32]);
  });

  test('is left alone by a getter that hashes', () => {
    const data = {
      a: 1,
      get b() {
        return hashOf({ c: 1 });
      },
    };

    expect(hashOf(data)).toBe(hashOf({ a: 1, b: hashOf({ c: 1 }) }));
  });
});
