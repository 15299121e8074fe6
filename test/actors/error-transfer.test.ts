import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packError, unpackError } from '#actors/error-transfer';
import { BusError } from '#store';

/** As it arrives in another thread. */
const transferred = (error: unknown): Error => unpackError(structuredClone(packError(error)));

class CardError extends Error {
  override readonly name = 'CardError';
  readonly code = 'CARD_DECLINED';
  readonly detail = { card: new Map([[1, 'one']]) };
}

test('an error keeps name, message, stack, code and detail', () => {
  const error = new CardError('declined');

  const arrived = transferred(error);

  expect(arrived).toMatchObject({ name: 'CardError', message: 'declined', code: error.code, detail: error.detail });
  expect(arrived.stack).toBe(error.stack);
  expect(String(arrived)).toBe('CardError: declined');
});

test('a BusError arrives as one', () => {
  const error = new BusError('CURSOR_MOVED', 'moved', { name: 'totals', expected: undefined, actual: undefined });

  const arrived = transferred(error);

  expect(arrived).toBeInstanceOf(BusError);
  expect(arrived).toEqual(error);
  expect(arrived.stack).toBe(error.stack);
});

test.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])(
  'a built-in error arrives as what it was (%o)',
  (BuiltIn) => {
    const arrived = transferred(new BuiltIn('wrong'));

    expect(arrived).toBeInstanceOf(BuiltIn);
    expect(Object.keys(arrived)).toEqual([]);
    expect(arrived.message).toBe('wrong');
  },
);

test("an abort's own error keeps its name", () => {
  const arrived = transferred(AbortSignal.abort().reason);

  expect(arrived).toMatchObject({ name: 'AbortError', message: 'This operation was aborted', code: 20 });
});

test('causes are kept, errors and others', () => {
  const error = new Error('outer', { cause: new CardError('inner', { cause: { tariff: 7n } }) });

  const arrived = transferred(error);

  expect(arrived.cause).toMatchObject({ name: 'CardError', message: 'inner', cause: { tariff: 7n } });
  expect(arrived.cause).toBeInstanceOf(Error);
});

test('an AggregateError keeps its errors', () => {
  const arrived = transferred(new AggregateError([new CardError('one'), 'two', 3], 'several')) as AggregateError;

  expect(arrived).toBeInstanceOf(AggregateError);
  expect(arrived.message).toBe('several');
  expect(arrived.errors).toEqual([expect.objectContaining({ name: 'CardError', code: 'CARD_DECLINED' }), 'two', 3]);
});

test.each([
  ['text', 'boom', 'thrown: boom', 'boom'],
  ['nothing', undefined, 'thrown: undefined', undefined],
  ['null', null, 'thrown: null', null],
  ['an object', { status: 404 }, 'thrown: { status: 404 }', { status: 404 }],
  ['a symbol', Symbol('s'), 'thrown: Symbol(s)', 'Symbol(s)'],
  ['a function', function handler() {}, 'thrown: [Function: handler]', '[Function: handler]'],
])('what was thrown and is no error becomes one: %s', (_, thrown, message, cause) => {
  const arrived = transferred(thrown);

  expect(arrived.message).toBe(message);
  expect(arrived.cause).toEqual(cause);
});

test('code and detail that can not be cloned arrive as text', () => {
  const arrived = transferred(Object.assign(new Error('odd'), { code: () => 1, detail: { call: () => 1 } }));

  expect(arrived).toMatchObject({ code: '[Function: code]', detail: '{ call: [Function: call] }' });
});

test('a cycle of causes is cut', () => {
  const first = new Error('first');
  const second = new Error('second', { cause: first });
  first.cause = new AggregateError([second, first], 'both');

  const arrived = transferred(first);

  const both = arrived.cause as AggregateError;
  expect(both.errors).toEqual([expect.objectContaining({ message: 'second', cause: '[Circular]' }), '[Circular]']);
});

test('one error that is the cause of several arrives with each of them', () => {
  const shared = new Error('shared');

  const arrived = transferred(new AggregateError([shared, shared])) as AggregateError;

  expect(arrived.errors).toEqual([
    expect.objectContaining({ message: 'shared' }),
    expect.objectContaining({ message: 'shared' }),
  ]);
});

test('an endless chain of causes, and errors without number, are bounded', () => {
  class Endless extends Error {
    override get cause(): Error {
      return new Endless('again');
    }
  }
  const wide = () => new AggregateError(Array.from({ length: 1000 }, () => new Endless('one of many')));

  const length = inspect(packError(new AggregateError([wide(), wide(), new Endless('deep')])), { depth: null }).length;

  expect(length).toBeLessThan(1_000_000);
});

test.each([
  [
    'a getter',
    Object.defineProperties(new Error('kept'), { cause: { get: raise }, code: { get: raise }, stack: { get: raise } }),
  ],
  ['a proxy', new Proxy(new Error('kept'), { get: raise, getPrototypeOf: raise, ownKeys: raise, has: raise })],
  ['a proxy of an object', new Proxy({}, { get: raise, getPrototypeOf: raise, ownKeys: raise })],
  ['a revoked proxy', revoked()],
  ['a message', Object.defineProperty(new Error(), 'message', { get: raise })],
  ['inspection', { [inspect.custom]: raise, call: () => 1 }],
  ['no prototype', Object.create(null)],
  ['members', Object.assign(new AggregateError([]), { errors: new Proxy([], { get: raise }) })],
])('%s that throws does not stop the transfer', (_, thrown) => {
  expect(transferred(thrown)).toBeInstanceOf(Error);
});

test('whatever is thrown arrives as an error', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }), (thrown) => {
      const error = Object.assign(new Error('x', { cause: thrown }), { code: thrown, detail: thrown, name: thrown });

      expect(transferred(thrown)).toBeInstanceOf(Error);
      expect(transferred(error).message).toBe('x');
    }),
  );
});

function raise(): never {
  throw new Error('looked at');
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
