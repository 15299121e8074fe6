/**
 * Appends that were made before: what the row of an idempotency key says about a request with that key.
 */
import type { IdempotencyRow } from '../codec/row.ts';
import type { KeyBook } from '../crypto/key-ports.ts';
import { BusError } from '../errors.ts';
import type { AppendRequest, RequestKey } from './append-request.ts';

/** With keys, what is stored of the hash of a request's content tells nobody what that was. */
export function tagged(request: AppendRequest, keys: KeyBook | undefined): AppendRequest {
  const { idempotency } = request;
  if (keys === undefined || idempotency === undefined) return request;
  return { ...request, idempotency: { ...idempotency, hash: keys.contentTag(idempotency.hash) } };
}

/** `given` is the hash before it was {@link tagged}: what was stored before the store had keys is that. @throws {IDEMPOTENCY_KEY_REUSED} */
export function requireSameContent(
  row: IdempotencyRow,
  { key, hash, isFirstWins }: RequestKey,
  given: Uint8Array,
): void {
  if (isFirstWins || Buffer.compare(row.hash, hash) === 0 || Buffer.compare(row.hash, given) === 0) return;
  throw new BusError(
    'IDEMPOTENCY_KEY_REUSED',
    `the idempotency key ${JSON.stringify(key)} was used for other content, at position ${row.firstPosition}`,
    { key, firstPosition: row.firstPosition },
  );
}
