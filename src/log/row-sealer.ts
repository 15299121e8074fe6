/**
 * From the draft of a row to the row, in the writer: there keys are made and erased, so what is sealed here is sealed with a
 * key that holds in its transaction.
 */
import { sealRow } from '../codec/row.ts';
import type { KeyOwner } from '../crypto/key-owner.ts';
import type { KeyBook, SealingKey } from '../crypto/key-ports.ts';
import { BusError, isBusError } from '../errors.ts';
import type { RowWrite } from '../storage/engine.ts';
import type { RowDraft, RowSecret } from './row-draft.ts';
import { sealPayload } from './sealed-payload.ts';

/** The rows of `drafts`, in their order; none of them is written where one is refused. @throws {KEY_ERASED} */
export function finishRows(drafts: readonly RowDraft[], keys: KeyBook | undefined): readonly RowWrite[] {
  if (drafts.every(({ secret }) => secret === undefined)) return drafts;
  return drafts.map((draft) => finishRow(draft, keys)).filter((row) => row !== undefined);
}

/**
 * The row of `draft`; `undefined`: it is left out. Without `keys` all stays plain.
 * @throws {KEY_ERASED} where the draft asks for that
 */
function finishRow(draft: RowDraft, keys: KeyBook | undefined): RowWrite | undefined {
  const { table, key, value, secret } = draft;
  if (secret === undefined || value === undefined) return draft;
  const isLate = secret.keyGeneration !== undefined && keys !== undefined && secret.keyGeneration !== keys.generation;
  const sealing = keys === undefined ? undefined : isLate ? 'erased' : sealingKey(keys, secret);
  if (sealing === 'erased') {
    if (secret.ifErased === 'leave-out') return undefined;
    return { table, key, value: sealRow(key, plainBytes(value, nothing)) };
  }
  if (keys === undefined || sealing === undefined) {
    return { table, key, value: secret.plain ?? sealRow(key, plainBytes(value, secret.payload)) };
  }
  const place = { label: secret.label, table, key };
  return { table, key, value: sealRow(key, sealPayload(place, value, secret.payload, keys.cryptoId, sealing)) };
}

const nothing = { encoding: 0, bytes: new Uint8Array(0) };

function plainBytes(head: Uint8Array, { encoding, bytes }: RowSecret['payload']): Uint8Array {
  const payload = new Uint8Array(head.length + 1 + bytes.length);
  payload.set(head);
  payload[head.length] = encoding;
  payload.set(bytes, head.length + 1);
  return payload;
}

/** `undefined`: it stays plain. @throws {KEY_ERASED} where the draft asks for that */
function sealingKey(keys: KeyBook, { owner, ifErased }: RowSecret): SealingKey | 'erased' | undefined {
  if (owner.kind === 'event-key') {
    const { id, stream } = owner;
    const sealing = keys.sealingById(id, { kind: 'stream', stream, subject: undefined });
    if (sealing !== undefined || ifErased !== 'refuse') return sealing ?? 'erased';
    const message = `the key of an event of ${JSON.stringify(stream)} was erased: nothing was written`;
    throw new BusError('KEY_ERASED', message, { stream, subject: undefined });
  }
  try {
    return keys.sealing(owner satisfies KeyOwner, false);
  } catch (error) {
    if (ifErased === 'refuse' || !isBusError(error, 'KEY_ERASED')) throw error;
    return 'erased';
  }
}
