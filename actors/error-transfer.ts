/**
 * Errors across threads: structured clone alone would leave a bare Error, without name, code and detail.
 *
 * `packError` gives a plain value that always can be cloned, whatever was thrown: getters and proxies that throw, cycles and
 * endless chains of causes included. `unpackError` makes the error again: a BusError as BusError, a built-in error as what it
 * was, any other as an Error that keeps its name. Further properties of an error are left behind.
 */
import { inspect, types } from 'node:util';
import { BusError, type ErrorCode, type ErrorDetails } from '../src/errors.ts';

/** Errors kept of one failure, causes and members of an AggregateError together; for further ones there is a text. */
const errorsMax = 64;

/** An error as a plain value. `code` and `detail` are undefined where there are none. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly detail: unknown;
  readonly cause: PackedValue | undefined;
  /** Members of an AggregateError. */
  readonly errors: readonly PackedValue[] | undefined;
}

/** What was thrown, or a cause. A value that can't be cloned is there as the text that `inspect` gives. */
export type PackedValue = { readonly error: PackedError } | { readonly value: unknown };

/** What one packing has seen: the errors it is inside of, and how many it may still take. */
interface Packing {
  readonly outer: Set<unknown>;
  errorsLeft: number;
}

const builtInErrors: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** `error` as a value that can be cloned. Something else than an Error becomes one, with what it was as `cause`. Never throws. */
export function packError(error: unknown): PackedError {
  const packed = packValue(error, { outer: new Set(), errorsLeft: errorsMax });
  if ('error' in packed) return packed.error;
  const message = `thrown: ${typeof packed.value === 'string' ? packed.value : textOf(packed.value)}`;
  return {
    name: 'Error',
    message,
    stack: undefined,
    code: undefined,
    detail: undefined,
    cause: packed,
    errors: undefined,
  };
}

/** The error that was packed. */
export function unpackError(packed: PackedError): Error {
  const error = newError(packed);
  if (error.name !== packed.name) setHidden(error, 'name', packed.name);
  // Without one, the stack of this call would tell of a place where nothing failed.
  setHidden(error, 'stack', packed.stack ?? `${packed.name}: ${packed.message}`);
  if (packed.cause !== undefined) setHidden(error, 'cause', unpackValue(packed.cause));
  if (!(error instanceof BusError)) {
    if (packed.code !== undefined) Object.assign(error, { code: packed.code });
    if (packed.detail !== undefined) Object.assign(error, { detail: packed.detail });
  }
  return error;
}

/** As {@link packError}, but something else than an Error stays what it is, as far as it can be cloned. Never throws. */
export function packThrown(thrown: unknown): PackedValue {
  return packValue(thrown, { outer: new Set(), errorsLeft: errorsMax });
}

/** What was packed by {@link packThrown}; an error that had no stack has none. */
export function unpackThrown(packed: PackedValue): unknown {
  const thrown = unpackValue(packed);
  if ('error' in packed && packed.error.stack === undefined) setHidden(thrown as Error, 'stack', undefined);
  return thrown;
}

function newError(packed: PackedError): Error {
  const { name, message, code, detail } = packed;
  if (name === 'BusError' && typeof code === 'string') {
    return new BusError(code as ErrorCode, message, detail as ErrorDetails[ErrorCode]);
  }
  if (packed.errors !== undefined) return new AggregateError(packed.errors.map(unpackValue), message);
  const BuiltIn = Object.hasOwn(builtInErrors, name) ? builtInErrors[name] : undefined;
  return new (BuiltIn ?? Error)(message);
}

function unpackValue(packed: PackedValue): unknown {
  return 'error' in packed ? unpackError(packed.error) : packed.value;
}

function packValue(value: unknown, packing: Packing): PackedValue {
  if (!isError(value)) return { value: cloneOrText(value) };
  if (packing.outer.has(value)) return { value: '[Circular]' };
  if (packing.errorsLeft <= 0) return { value: 'further errors are left out' };
  packing.errorsLeft--;
  packing.outer.add(value);
  const cause = read(value, 'cause');
  const errors = read(value, 'errors');
  const isAggregate = orElse(() => Array.isArray(errors) && value instanceof AggregateError, false);
  const packed: PackedError = {
    name: readText(value, 'name') ?? 'Error',
    message: readText(value, 'message') ?? '',
    stack: readText(value, 'stack'),
    code: cloneOrText(read(value, 'code')),
    detail: cloneOrText(read(value, 'detail')),
    cause: cause === undefined ? undefined : packValue(cause, packing),
    errors: isAggregate ? packMembers(errors as readonly unknown[], packing) : undefined,
  };
  packing.outer.delete(value);
  return { error: packed };
}

/** Members are read one by one: only as many as may still be taken, and one whose getter throws costs itself alone. */
function packMembers(members: readonly unknown[], packing: Packing): PackedValue[] {
  const packed: PackedValue[] = [];
  const count = orElse(() => members.length, 0);
  for (let index = 0; index < Math.min(count, errorsMax); index++)
    packed.push(packValue(read(members, index), packing));
  if (count > errorsMax) packed.push({ value: `${count - errorsMax} further errors are left out` });
  return packed;
}

function isError(value: unknown): value is object {
  return types.isNativeError(value) || orElse(() => value instanceof Error, false);
}

function read(from: object, key: PropertyKey): unknown {
  return orElse(() => Reflect.get(from, key), undefined);
}

function readText(from: object, key: PropertyKey): string | undefined {
  const value = read(from, key);
  if (value === undefined || typeof value === 'string') return value;
  return textOf(value);
}

function cloneOrText(value: unknown): unknown {
  return (
    orElse(() => structuredClone(value), undefined) ?? (value === undefined || value === null ? value : textOf(value))
  );
}

function textOf(value: unknown): string {
  return orElse(() => inspect(value, { customInspect: false, depth: 2 }), 'a value that could not be shown');
}

/** What `use` gives, or `otherwise` if it throws: the error being packed is what matters, not what looking at it does. */
function orElse<T>(use: () => T, otherwise: T): T {
  try {
    return use();
  } catch (_whileLooking) {
    return otherwise;
  }
}

/** Sets a property as the language itself sets those of errors: not enumerable. */
function setHidden(error: Error, key: 'name' | 'stack' | 'cause', value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, writable: true, configurable: true });
}
