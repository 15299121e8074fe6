/** What can't be stored is refused before anything is written, with the path of the value at fault. */
import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePayload, encodePayload } from '#kernel/codec/payload';
import type { BusError } from '#kernel/errors';
import { eventBytesMax } from '#kernel/limits';
import { storableName, storableValue } from '../kit/arbitrary-payload.ts';

function refusal(value: unknown, root: 'data' | 'metadata' = 'data'): BusError {
  try {
    encodePayload(value, 3, root);
  } catch (error) {
    return error as BusError;
  }
  throw new Error('the value was not refused');
}

class Money {
  readonly amount = 1;
  toJSON(): number {
    return this.amount;
  }
}

class Tags extends Map {}

const cyclic: Record<string, unknown> = { a: { b: [1] } };
(cyclic.a as Record<string, unknown>).back = cyclic;
const cyclicMap = new Map<unknown, unknown>();
cyclicMap.set('x', [cyclicMap]);
const cyclicKey = new Map<unknown, unknown>();
cyclicKey.set({ a: cyclicKey }, 1);
const cyclicSet = new Set<unknown>([1]);
cyclicSet.add([2, cyclicSet]);

function argumentsOf(..._: number[]): unknown {
  // biome-ignore lint/complexity/noArguments: that is the case
  return arguments;
}

const revoked = Proxy.revocable({}, {});
revoked.revoke();

const transferred = new Uint8Array(4);
structuredClone(transferred.buffer, { transfer: [transferred.buffer] });

const throwing = {
  get total(): number {
    throw new RangeError('no total');
  },
};

describe('a value is refused', () => {
  test.each<[string, unknown, string, RegExp]>([
    ['a function', () => 1, 'data', /is a function/],
    ['a method', { a: { toJSON() {} } }, 'data.a.toJSON', /is a function/],
    ['a symbol', [Symbol('s')], 'data[0]', /is a symbol/],
    ['a symbol as a name', { a: { [Symbol('s')]: 1 } }, 'data.a[Symbol(s)]', /has a symbol for a name/],
    ['a symbol as a name on an array', { a: Object.assign([], { [Symbol('s')]: 1 }) }, 'data.a[Symbol(s)]', /symbol/],
    ['a class instance', { items: [{ price: new Money() }] }, 'data.items[0].price', /is an instance of Money/],
    ['an instance of a nameless class', new (class {})(), 'data', /is an instance of a class/],
    ['an object with another prototype', Object.create({ a: 1 }), 'data', /is an instance of Object/],
    ['an object whose prototype has none', Object.create(Object.create(null)), 'data', /is an instance of a class/],
    ['a boxed number', { 'odd key': Object(1) }, 'data["odd key"]', /is an instance of Number/],
    ['a boxed string', { é: Object('a') }, 'data.é', /is an instance of String/],
    ['a URL', { url: new URL('http://localhost/') }, 'data.url', /is an instance of URL/],
    ['a RegExp', { 1: /a/ }, 'data["1"]', /is an instance of RegExp/],
    ['an Error', { '': new TypeError('x') }, 'data[""]', /is an instance of TypeError/],
    ['a Promise', { $a_1: Promise.resolve() }, 'data.$a_1', /is an instance of Promise/],
    ['a WeakMap', new WeakMap(), 'data', /is an instance of WeakMap/],
    ['a generator', (function* () {})(), 'data', /is an instance of/],
    ['a subclass of Map', { tags: new Tags() }, 'data.tags', /is an instance of Tags/],
    ['a subclass of Array', new (class List extends Array {})(), 'data', /is an instance of List/],
    ['a subclass of Date', new (class Day extends Date {})(), 'data', /is an instance of Day/],
    ['a subclass of Uint8Array', new (class Key extends Uint8Array {})(1), 'data', /is an instance of Key/],
    ['arguments', { a: argumentsOf(1, 2) }, 'data.a', /is an arguments object/],
    ['something with the prototype of Map', Object.create(Map.prototype), 'data', /is an instance of Map/],
    ['something with the prototype of Set', Object.create(Set.prototype), 'data', /is an instance of Set/],
    ['something with the prototype of Date', Object.create(Date.prototype), 'data', /is an instance of Date/],
    ['something with the prototype of ArrayBuffer', Object.create(ArrayBuffer.prototype), 'data', /of ArrayBuffer/],
    ['something with the prototype of Int8Array', Object.create(Int8Array.prototype), 'data', /of Int8Array/],
    ['a proxy of a Map', { m: new Proxy(new Map(), {}) }, 'data.m', /is an instance of Map/],
    ['a revoked proxy', { p: revoked.proxy }, 'data.p', /threw when it was read/],
    ['a lone surrogate', { a: ['x\ud800'] }, 'data.a[0]', /lone surrogate/],
    ['a lone surrogate in a long string', `${'x'.repeat(100)}\udc00`, 'data', /lone surrogate/],
    ['a lone surrogate in a very long string', `${'é'.repeat(100_000)}\udc00`, 'data', /lone surrogate/],
    ['a lone surrogate in a name', { a: { '\udc00': 1 } }, 'data.a["\\udc00"]', /lone surrogate/],
    ['a name __proto__', { a: JSON.parse('{"__proto__":1}') }, 'data.a.__proto__', /would set the prototype/],
    ['a key of a Map', { tags: new Map<unknown, unknown>([[1, 1], [2, 2], [[Symbol('s')], 3]]) }, 'data.tags<key 2>[0]', /symbol/], // biome-ignore format: one line each
    ['a value of a Map', new Map([['a', 1], ['b', Number as unknown]]), 'data<value 1>', /function/], // biome-ignore format: one line each
    ['a member of a Set', { set: new Set([1, () => 1]) }, 'data.set<item 1>', /function/],
    ['a named property of an array', { m: /b/.exec('abc') }, 'data.m.groups', /of an array/],
    ['a named property of a sparse array', Object.assign(new Array(2), { 1: 1, '01': 1 }), 'data["01"]', /of an array/],
    [
      'a property of an array beyond all indexes',
      Object.assign([], { 4294967295: 1 }),
      'data["4294967295"]',
      /of an array/,
    ],
    ['a property of a Date', { at: Object.assign(new Date(), { zone: 'Z' }) }, 'data.at.zone', /of a Date/],
    ['a property of a Map', Object.assign(new Map(), { a: 1 }), 'data.a', /of a Map/],
    ['a symbol on a Set', Object.assign(new Set(), { [Symbol('s')]: 1 }), 'data[Symbol(s)]', /symbol/],
    ['shared memory', { a: new SharedArrayBuffer(1) }, 'data.a', /SharedArrayBuffer/],
    ['an array over shared memory', { a: new Uint8Array(new SharedArrayBuffer(1)) }, 'data.a', /shared memory/],
    ['a DataView of shared memory', new DataView(new SharedArrayBuffer(1)), 'data', /shared memory/],
    ['memory that is gone', { a: [transferred] }, 'data.a[0]', /detached/],
    ['a buffer that is gone', transferred.buffer, 'data', /detached/],
    ['an object in itself', cyclic, 'data.a.back', /is data again/],
    ['a Map in itself', [cyclicMap], 'data[0]<value 0>[0]', /is data\[0\] again/],
    ['a Map in a key of itself', { m: cyclicKey }, 'data.m<key 0>.a', /is data\.m again/],
    ['a Set in itself', cyclicSet, 'data<item 1>[1]', /is data again/],
    ['an instance of another realm', vm.runInNewContext('new (class Car {})()'), 'data', /is an instance of Car/],
    ['an Error of another realm', [vm.runInNewContext('new Error()')], 'data[0]', /is an instance of Error/],
    ['a subclass of another realm', vm.runInNewContext('new (class Day extends Date {})()'), 'data', /of Day/],
    ['a RegExp match of another realm', vm.runInNewContext('/b/.exec("abc")'), 'data.groups', /of an array/],
    [
      'a name __proto__ of another realm',
      vm.runInNewContext('JSON.parse(\'{"__proto__":1}\')'),
      'data.__proto__',
      /prototype/,
    ],
  ])('for %s', (_, value, path, reason) => {
    const error = refusal(value);

    expect(error).toMatchObject({ name: 'BusError', code: 'EVENT_INVALID', detail: { index: 3, path } });
    expect(error.message).toMatch(reason);
    expect(error.message).toContain('event 3');
  });

  test.runIf('Float16Array' in globalThis)('for a Float16Array, which Node.js 22 has not', () => {
    const Float16 = (globalThis as unknown as { Float16Array: new (length: number) => object }).Float16Array;

    expect(refusal({ half: new Float16(2) })).toMatchObject({ code: 'EVENT_INVALID', detail: { path: 'data.half' } });
  });

  test('for a getter that throws, with what it threw', () => {
    const error = refusal({ cart: [throwing] });

    expect(error).toMatchObject({ code: 'EVENT_INVALID', detail: { index: 3, path: 'data.cart[0].total' } });
    expect(error.cause).toEqual(new RangeError('no total'));
  });

  test('for a proxy that throws, with what it threw', () => {
    const trap = (): never => {
      throw new RangeError('trapped');
    };
    const traps = [{ ownKeys: trap }, { get: trap }, { getPrototypeOf: trap }, { getOwnPropertyDescriptor: trap }];

    for (const handler of traps) {
      const error = refusal({ before: [1, 2], p: new Proxy({ a: 1 }, handler) });
      expect(error).toMatchObject({ code: 'EVENT_INVALID', cause: new RangeError('trapped') });
      expect(error.detail).toHaveProperty('path', expect.stringMatching(/^data\.p(\.a)?$/));
    }
  });

  test('for a getter that encodes what is refused, once with each path', () => {
    const error = refusal({
      get total() {
        return encodePayload([() => 1], 9, 'data');
      },
    });

    expect(error).toMatchObject({ detail: { index: 3, path: 'data.total' } });
    expect(error.cause).toMatchObject({ code: 'EVENT_INVALID', detail: { index: 9, path: 'data[0]' } });
  });

  test('when it is deeper than 256, not when it is 256 deep', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 256; depth++) value = { a: value };

    expect(() => encodePayload(value, 0, 'data')).not.toThrow();
    expect(refusal({ top: value })).toMatchObject({
      code: 'EVENT_INVALID',
      message: expect.stringContaining('deeper than 256'),
      detail: { path: `data.top${'.a'.repeat(255)}` },
    });
  });

  test('when a getter makes it endless', () => {
    const endless = (): object => ({
      get next() {
        return endless();
      },
    });

    expect(refusal(endless())).toMatchObject({
      code: 'EVENT_INVALID',
      message: expect.stringContaining('deeper than 256'),
    });
  });

  test('at the path of any place in any value', () => {
    const steps = fc.array(fc.oneof(storableName, fc.nat(3)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(steps, storableValue, (path, beside) => {
        const value = path.reduceRight<unknown>(
          (inner, step) => {
            if (typeof step === 'number') return [...new Array(step).fill(beside), inner, Symbol('later')];
            return Object.fromEntries([['beside', beside], [step, inner]]); // biome-ignore format: one line
          },
          () => 1,
        );
        const names = path.map((step) => (typeof step === 'number' ? `[${step}]` : nameStep(step)));

        expect(refusal(value)).toMatchObject({ detail: { path: `data${names.join('')}` } });
      }),
    );
  });
});

function nameStep(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

describe('metadata is refused', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['text', 'a'],
    ['an array', []],
    ['a Map', new Map()],
    ['a Date', new Date()],
    ['a class instance', new Money()],
    ['a function', () => 1],
  ])('when it is %s', (_, value) => {
    expect(refusal(value, 'metadata')).toMatchObject({ code: 'EVENT_INVALID', detail: { index: 3, path: 'metadata' } });
  });

  test('for what it holds, under its own name', () => {
    expect(refusal({ user: [new Money()] }, 'metadata')).toMatchObject({ detail: { path: 'metadata.user[0]' } });
  });

  test('not when it has no prototype', () => {
    expect(() => encodePayload(Object.create(null), 0, 'metadata')).not.toThrow();
  });
});

// What is close to the limit is measured when it is encoded, with the rest of its event.
describe('a value is far too large', () => {
  const doubled = (value: unknown): unknown => Array.from({ length: 60 }).reduce((half) => [half, half], value);

  test.each<[string, unknown]>([
    ['as a string', 'x'.repeat(eventBytesMax + 1)],
    ['as bytes', new Uint8Array(eventBytesMax + 1)],
    ['as a sum', new Array(10).fill('x'.repeat(2 ** 20))],
    ['when it holds the same thing again and again', doubled(1)],
    ['when it holds the same text again and again', doubled('x'.repeat(1000))],
    ['when it holds the same bytes again and again', doubled(new Uint8Array(1000))],
    ['when it holds the same name again and again', doubled({ ['x'.repeat(1000)]: 1 })],
    ['as an array with nothing in it', new Array(2 ** 32 - 1)],
  ])('%s', (_, value) => {
    expect(refusal(value)).toMatchObject({
      code: 'EVENT_TOO_LARGE',
      detail: {
        limit: 'eventBytesMax',
        max: eventBytesMax,
        actual: expect.toSatisfy((actual) => actual > eventBytesMax),
      },
    });
  });
});

describe('after a refusal', () => {
  test('the next value is encoded as ever', () => {
    for (const bad of [{ a: 1, b: () => 1 }, cyclic, throwing, 'x'.repeat(eventBytesMax + 1)]) {
      refusal(bad);
      const { encoding, bytes } = encodePayload({ a: [1, 'x'] }, 0, 'data');

      expect(decodePayload(encoding, bytes, 0, bytes.length)).toEqual({ a: [1, 'x'] });
    }
  });
});
