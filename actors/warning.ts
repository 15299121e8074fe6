/**
 * What a bus says of a failure when nobody listens to `errors$`: a process warning, which ends in logs.
 *
 * What user code throws may quote an event. So of a store with encryption nothing is said there but our own code, and where it
 * was, and what we say of the store itself; who listens to `errors$` gets all.
 */
import { isNativeError } from 'node:util/types';
import { BusError } from '../src/errors.ts';
import { CaughtError } from './caught-error.ts';

/** What of a detail is never of an event. */
const places = ['processor', 'consumer', 'table', 'position', 'count', 'attempts'] as const;

/** Of the store itself: our words, which never quote an event. */
const ofStore = /^(STORE|MASTER_KEY)_|^(WRITER_FENCED|DECRYPTION_FAILED)$/;

/** Anything may have been thrown: only of our own errors is more used than texts. */
export function warn(error: unknown, isEncrypted: boolean): void {
  const own = isNativeError(error) && error instanceof BusError ? error : undefined;
  if (isEncrypted) {
    process.emitWarning(discreet(own));
  } else if (own !== undefined) {
    process.emitWarning(own);
  } else {
    const { name, code, message, stack } = CaughtError.of(error);
    process.emitWarning(Object.assign(new Error(message), { name, code }, stack === undefined ? {} : { stack }));
  }
}

function discreet(own: BusError | undefined): Error {
  const advice = 'what it says may be of an event, and is told to who subscribes to `errors$`';
  if (own === undefined) return new Error(`code of yours failed; ${advice}`);
  // What caused it may be anything.
  if (ofStore.test(own.code)) return new BusError(own.code, own.message, own.detail);
  const detail = own.detail as Readonly<Record<string, unknown>>;
  const where = places.flatMap((place) => (detail[place] === undefined ? [] : [`${place} ${String(detail[place])}`]));
  const told = new Error([own.code, ...where].join(', ').concat(`; ${advice}`));
  return Object.assign(told, { name: own.name, code: own.code });
}
