/** Payloads come back as they were given, or in the one form that payload.ts names for them. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import vm from 'node:vm';
import fc from 'fast-check';
import { unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { decodePayload, type EncodedPayload, encodePayload } from '#kernel/codec/payload';
import { asStored, assertSame, storableMetadata, storableValue } from '../kit/arbitrary-payload.ts';

function decode({ encoding, bytes }: EncodedPayload): unknown {
  return decodePayload(encoding, bytes, 0, bytes.length);
}

function roundTrip(value: unknown): unknown {
  return decode(encodePayload(value, 0, 'data'));
}

describe('a value that is stored', () => {
  test('comes back as it was', () => {
    fc.assert(fc.property(storableValue, (value) => assertSame(roundTrip(value), asStored(value))));
  });

  test('comes back as it was when it is metadata', () => {
    fc.assert(
      fc.property(storableMetadata, (metadata) => {
        assertSame(decode(encodePayload(metadata, 0, 'metadata')), asStored(metadata));
      }),
    );
  });

  test('has the same bytes when what came back is stored again', () => {
    fc.assert(
      fc.property(storableValue, (value) => {
        // The first time a Buffer may become a Uint8Array, and -0 become 0.
        const once = encodePayload(roundTrip(value), 0, 'data').bytes;
        const twice = encodePayload(roundTrip(roundTrip(value)), 0, 'data').bytes;
        assert.deepStrictEqual(Buffer.from(twice), Buffer.from(once));
      }),
    );
  });

  test('comes back from the middle of a block and keeps nothing of it', () => {
    fc.assert(
      fc.property(storableValue, fc.nat(50), fc.nat(50), fc.boolean(), (value, before, after, asBuffer) => {
        const { encoding, bytes } = encodePayload(value, 0, 'data');
        const block = new Uint8Array(before + bytes.length + after).fill(0xff);
        block.set(bytes, before);
        const source = asBuffer ? Buffer.from(block.buffer) : block;

        const decoded = decodePayload(encoding, source, before, before + bytes.length);
        block.fill(0xee);

        assertSame(decoded, asStored(value));
      }),
    );
  });

  test('is read by other MessagePack libraries', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        assert.deepStrictEqual(unpack(encodePayload(value, 0, 'data').bytes), asStored(value));
      }),
    );
  });

  test('keeps its bytes while others are encoded', () => {
    fc.assert(
      fc.property(fc.array(storableValue, { minLength: 5, maxLength: 20 }), (values) => {
        const payloads = values.map((value) => encodePayload(value, 0, 'data'));
        const copies = payloads.map(({ bytes }) => Buffer.from(bytes));
        for (const value of values) encodePayload(value, 0, 'data');
        assert.deepStrictEqual(
          payloads.map(({ bytes }) => Buffer.from(bytes)),
          copies,
        );
      }),
    );
  });
});

describe('the bytes of a payload', () => {
  // They are in files: should another msgpackr write others, old ones must still be read.
  test.each<[string, unknown, number, string]>([
    ['null', null, 1, 'c0'],
    ['false', false, 1, 'c2'],
    ['true', true, 1, 'c3'],
    ['0', 0, 1, '00'],
    ['127', 127, 1, '7f'],
    ['128', 128, 1, 'cc80'],
    ['256', 256, 1, 'cd0100'],
    ['65536', 65_536, 1, 'ce00010000'],
    ['2^32 - 1', 2 ** 32 - 1, 1, 'ceffffffff'],
    ['2^32', 2 ** 32, 1, 'cb41f0000000000000'],
    ['-1', -1, 1, 'ff'],
    ['-32', -32, 1, 'e0'],
    ['-33', -33, 1, 'd0df'],
    ['-129', -129, 1, 'd1ff7f'],
    ['-32769', -32_769, 1, 'd2ffff7fff'],
    ['-2^31 - 1', -(2 ** 31) - 1, 1, 'cbc1e0000000200000'],
    ['1.5', 1.5, 1, 'cb3ff8000000000000'],
    ['-0', -0, 1, '00'],
    ['infinity', Number.POSITIVE_INFINITY, 1, 'cb7ff0000000000000'],
    ['an empty string', '', 1, 'a0'],
    ['a string', 'abc', 1, 'a3616263'],
    ['a string beyond ASCII', 'é漢😀', 1, 'a9c3a9e6bca2f09f9880'],
    ['a string of 32', 'x'.repeat(32), 1, `d920${'78'.repeat(32)}`],
    ['a string of 31 characters and 62 bytes', 'é'.repeat(31), 1, `d93e${'c3a9'.repeat(31)}`],
    ['a string of 256', 'x'.repeat(256), 1, `da0100${'78'.repeat(256)}`],
    ['an empty array', [], 1, '90'],
    ['an array', [1, 'a', null], 1, '9301a161c0'],
    ['an array of 16', new Array(16).fill(0), 1, `dc0010${'00'.repeat(16)}`],
    ['an empty object', {}, 1, '80'],
    ['an object', { b: 1, a: [true] }, 1, '82a16201a16191c3'],
    ['undefined in an array', [undefined], 1, '91d40000'],
    ['a date of full seconds', new Date(1_700_000_000_000), 1, 'd6ff6553f100'],
    ['a date', new Date(1_700_000_000_001), 1, 'd7ff003d09006553f100'],
    ['a date before 1970', new Date(-1), 1, 'c70cff3b8b87c0ffffffffffffffff'],
    ['an invalid date', new Date(Number.NaN), 1, 'd4ffff'],
    ['an int64', -1n, 1, 'd3ffffffffffffffff'],
    ['a uint64', 2n ** 64n - 1n, 1, 'cfffffffffffffffff'],
    ['a bigint', 2n ** 64n, 1, 'd84200000000000000010000000000000000'],
    ['a negative bigint', -(2n ** 63n) - 1n, 1, 'd842ffffffffffffffff7fffffffffffffff'],
    ['a Uint8Array', new Uint8Array([1, 2, 255]), 1, 'c70474010102ff'],
    ['a Buffer', Buffer.from([1, 2, 255]), 1, 'c4030102ff'],
    ['an ArrayBuffer', new Uint8Array([7]).buffer, 1, 'c702741007'],
    ['a DataView', new DataView(new Uint8Array([7, 8]).buffer), 1, 'c70374110708'],
    ['an Int8Array', new Int8Array([-1]), 1, 'c7027400ff'],
    ['a Uint8ClampedArray', new Uint8ClampedArray([9]), 1, 'c702740209'],
    ['an Int16Array', new Int16Array([-2]), 1, 'c7037403feff'],
    ['a Uint16Array', new Uint16Array([1]), 1, 'c70374040100'],
    ['an Int32Array', new Int32Array([1]), 1, 'c705740501000000'],
    ['a Uint32Array', new Uint32Array([1]), 1, 'c705740601000000'],
    ['a Float32Array', new Float32Array([1]), 1, 'c70574070000803f'],
    ['a Float64Array', new Float64Array([1]), 1, 'c7097408000000000000f03f'],
    ['a BigInt64Array', new BigInt64Array([-1n]), 1, 'c7097409ffffffffffffffff'],
    ['a BigUint64Array', new BigUint64Array([1n]), 1, 'c709740a0100000000000000'],
    ['a Set', new Set([1, 'a']), 1, 'd473009201a161'],
    ['an empty Map', new Map(), 2, '9102'],
    ['a Map', new Map(Object.entries({ a: 1, b: {} })), 2, '9502a16101a1629100'],
    [
      'a Map in an object',
      { m: new Map([[{ a: [1] }, new Set([new Map()])]]) },
      2,
      '9300a16d93029300a161920101d47300919102',
    ],
  ])('are those of the format for %s', (_, value, encoding, hex) => {
    const payload = encodePayload(value, 0, 'data');

    expect(payload.encoding).toBe(encoding);
    expect(Buffer.from(payload.bytes).toString('hex')).toBe(hex);
    assertSame(decode(payload), asStored(value));
  });

  test('are none for undefined', () => {
    expect(encodePayload(undefined, 0, 'data')).toEqual({ encoding: 0, bytes: new Uint8Array(0) });
    expect(encodePayload(undefined, 0, 'metadata')).toEqual({ encoding: 0, bytes: new Uint8Array(0) });
    expect(roundTrip(undefined)).toBe(undefined);
  });

  test.each([15, 16, 17, 128, 129, 65_535, 65_536])('have a header for an object of %i', (size) => {
    const value = Object.fromEntries(Array.from({ length: size }, (_, ordinal) => [`n${ordinal}`, [ordinal]]));

    const expected = { before: 1, value, after: [1] };

    expect(isDeepStrictEqual(roundTrip(expected), expected)).toBe(true);
  });

  test.each([15, 16, 31, 32, 255, 256, 65_535, 65_536])('have a header for other things of %i', (size) => {
    const value = [
      new Array(size).fill(7),
      'x'.repeat(size),
      'ж'.repeat(size),
      new Uint8Array(size),
      new Int16Array(size),
    ];

    expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true);
  });
});

test('a bigint of any size comes back', () => {
  // msgpackr writes those of more than 65,536 bits by other code.
  for (const bits of [63, 64, 65, 127, 128, 65_535, 65_536, 65_537, 65_543, 70_001, 1_000_003]) {
    const power = 2n ** BigInt(bits);
    const values = [power, power - 1n, power + 1n, -power, -power - 1n, 1n - power];

    assertSame(roundTrip(values), values);
  }
});

describe('a container', () => {
  test('may have any name that JavaScript uses itself', () => {
    const names = [
      'constructor',
      'length',
      'size',
      'hasOwnProperty',
      'toJSON',
      '__keys__',
      'then',
      '',
      'x'.repeat(1000),
    ];
    const value = Object.fromEntries(names.map((name, ordinal) => [name, { [name]: ordinal }]));

    assertSame(roundTrip(value), value);
  });

  test('may be a Map with objects as keys, and Maps in Sets in objects in Maps', () => {
    const inner = new Map<unknown, unknown>([[{ id: 1 }, new Set([new Map([[[], {}]])])]]);
    const value = { tags: new Map<unknown, unknown>([[inner, { deep: inner }]]), empty: {} };

    assertSame(roundTrip(value), value);
  });

  test('may hold objects of many shapes', () => {
    const value = Array.from({ length: 500 }, (_, ordinal) => ({
      [`a${ordinal % 97}`]: ordinal,
      b: { [`c${ordinal}`]: 1 },
    }));

    assertSame(roundTrip(new Map([[value, value]])), new Map([[value, value]]));
  });

  test('may be held twice, and comes back as two', () => {
    const shared = { a: 1 };
    const decoded = roundTrip([shared, shared]) as object[];

    expect(decoded).toEqual([{ a: 1 }, { a: 1 }]);
    expect(decoded[0]).not.toBe(decoded[1]);
  });

  test('may be nested 256 deep', () => {
    let value: unknown = 'core';
    for (let depth = 0; depth < 256; depth++)
      value = [[value], { a: value }, new Map([[1, value]]), new Set([value])][depth % 4];

    assertSame(roundTrip(value), value);
  });
});

describe('what has several forms', () => {
  test('is stored as one: -0, holes, no prototype, Buffer', () => {
    const value = {
      zero: -0,
      // biome-ignore lint/suspicious/noSparseArray: that is the case
      list: [1, , 3],
      bare: Object.assign(Object.create(null), { a: 1 }),
      bytes: Buffer.from('ab'),
    };

    assertSame(roundTrip(value), {
      zero: 0,
      list: [1, undefined, 3],
      bare: { a: 1 },
      bytes: new Uint8Array([97, 98]),
    });
  });

  test('is stored by its content: a window into a buffer, a buffer that can grow', () => {
    const large = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    const resizable = new ArrayBuffer(2, { maxByteLength: 10 });
    const decoded = roundTrip([large.subarray(2, 4), new DataView(large.buffer, 6), resizable]) as [
      Uint8Array,
      DataView,
      ArrayBuffer,
    ];

    assertSame(decoded, [new Uint8Array([3, 4]), new DataView(new Uint8Array([7, 8]).buffer), new ArrayBuffer(2)]);
    expect(decoded[0].buffer.byteLength).toBe(2);
    expect(decoded[1].byteOffset).toBe(0);
    expect(decoded[2].resizable).toBe(false);
  });

  test('is stored without what is not enumerable', () => {
    const value = Object.defineProperties({ a: 1 }, { hidden: { value: 2 }, [Symbol('s')]: { value: () => 1 } });

    assertSame(roundTrip(value), { a: 1 });
  });

  test('is stored without what others put on Object.prototype', () => {
    Object.defineProperty(Object.prototype, 'polluted', {
      value: () => 1,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    try {
      const decoded = roundTrip({ a: { b: [{}] } }) as { a: { b: object[] } };

      expect(Object.keys(decoded)).toEqual(['a']);
      expect(Object.keys(decoded.a.b[0] as object)).toEqual([]);
    } finally {
      delete (Object.prototype as { polluted?: unknown }).polluted;
    }
  });

  test('is stored as what a proxy of it shows', () => {
    const proxy = new Proxy({ list: new Proxy([1, 2], {}) }, {});

    assertSame(roundTrip(proxy), { list: [1, 2] });
  });
});

describe('a value of another realm', () => {
  const realm = vm.createContext({});

  test.each<[string, unknown]>([
    ['({ a: { b: 1 }, length: 2, constructor: 3 })', { a: { b: 1 }, length: 2, constructor: 3 }],
    ['[1, [2], {}]', [1, [2], {}]],
    ['Object.create(null)', {}],
  ])('comes back as one of this: %s', (code, expected) => {
    assertSame(roundTrip(vm.runInContext(code, realm)), expected);
    assertSame(roundTrip({ deep: [vm.runInContext(code, realm)] }), { deep: [expected] });
    assertSame(roundTrip(new Map([[1, vm.runInContext(code, realm)]])), new Map([[1, expected]]));
  });

  test('is metadata when it is a plain object', () => {
    assertSame(decode(encodePayload(vm.runInContext('({ a: 1 })', realm), 0, 'metadata')), { a: 1 });
  });

  // msgpackr would make a string of the Date and an empty object of the others.
  test.each(['Date()', 'Map([[1, 2]])', 'Set()', 'Uint8Array(1)', 'ArrayBuffer(1)', 'DataView(new ArrayBuffer(1))'])(
    'is refused when it is another built-in: new %s',
    (code) => {
      const value = { deep: [vm.runInContext(`new ${code}`, realm)] };
      const refusal = { code: 'EVENT_INVALID', detail: { index: 0, path: 'data.deep[0]' } };

      expect(() => roundTrip(value)).toThrow(expect.objectContaining(refusal));
    },
  );
});

describe('code that runs while a value is read', () => {
  test('gives what is stored', () => {
    const value = {
      name: 'a',
      get greeting() {
        return `hello ${this.name}`;
      },
    };

    assertSame(roundTrip([value]), [{ name: 'a', greeting: 'hello a' }]);
  });

  test('may encode other values', () => {
    fc.assert(
      fc.property(storableValue, storableValue, (outer, inner) => {
        const results: unknown[] = [];
        const nested = {
          outer,
          get again() {
            results.push(roundTrip({ get: inner, twice: roundTrip(inner) }));
            return inner;
          },
          last: outer,
        };

        assertSame(roundTrip([nested, nested]), asStored([nested, nested]));
        for (const result of results) assertSame(result, asStored({ get: inner, twice: inner }));
      }),
    );
  });

  test('may fail to encode another value and go on', () => {
    const value = {
      a: 1,
      get b() {
        expect(() => encodePayload({ deep: [() => 1] }, 7, 'data')).toThrow(/event 7/);
        return 2;
      },
      c: 3,
    };

    assertSame(roundTrip(value), { a: 1, b: 2, c: 3 });
  });

  test('may change the object meanwhile', () => {
    const value: Record<string, unknown> = {
      get first() {
        delete value.gone;
        value.list = [1];
        return 1;
      },
      gone: 2,
      list: [],
    };

    assertSame(roundTrip(value), { first: 1, list: [1] });
  });
});
