/**
 * What consumers gave up: their dead letters, and the events parked behind them.
 *
 * What may tell of an event's data is sealed with the event's key, and gone with it; what it takes to keep the books is not.
 * So letters are walked without opening any.
 */
import {
  checkParkedRow,
  decodeLetterRow,
  decodeLetterSecret,
  encodeLetterHead,
  encodeLetterRow,
  encodeLetterSecret,
  keysOf,
  type LetterHead,
  type LetterRow,
  letterKey,
  parkedKey,
  positionOfKey,
  streamOfKey,
} from '../codec/letter-row.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import { ownPayload, type RowDraft } from './row-draft.ts';
import { keyIdAt, openPayload, rowNotOpened } from './sealed-payload.ts';

/** What the books say of a dead letter. */
export interface LetterEntry extends LetterHead {
  /** Of its event. */
  readonly position: number;
}

/** A dead letter. */
export interface Letter extends LetterRow, LetterEntry {
  /** Of the key that it is sealed with; 0: it is plain. */
  readonly keyId: number;
}

/** The dead letter of `consumer` at `position`, if there is one. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
export function readLetter(snapshot: Snapshot, consumer: string, position: number): Letter | undefined {
  const key = letterKey(consumer, position);
  const row = snapshot.row('dead_letters', key);
  return row === undefined ? undefined : openLetter(snapshot, key, row);
}

/** What the books say of it. @throws {STORE_CORRUPT} */
export function readLetterEntry(snapshot: Snapshot, consumer: string, position: number): LetterEntry | undefined {
  const key = letterKey(consumer, position);
  const row = snapshot.row('dead_letters', key);
  return row === undefined ? undefined : { ...decodeLetterRow(key, row).head, position };
}

/** The whole letter in a row; one that is erased says no more than that. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
export function openLetter(snapshot: Snapshot, key: Uint8Array, row: Uint8Array): Letter {
  const { head, secret } = decodeLetterRow(key, row);
  const position = positionOfKey(key);
  const { keys } = snapshot;
  const mayBePlain = keys === undefined || position <= keys.plainUntil || head.stream.startsWith('$');
  if (!('payload' in secret)) {
    if (!mayBePlain) throw rowNotOpened('dead_letters');
    return { ...head, ...secret, position, keyId: 0 };
  }
  const { payload, at } = secret;
  const place = { label: 'dead-letter', table: 'dead_letters', key } as const;
  const owner = { kind: 'stream', stream: head.stream, subject: undefined } as const;
  // One whose event was erased before it was written has nothing to seal.
  const isLeftOut = payload.length === at + 1 && payload[at] === 0;
  const opened = openPayload(keys, place, owner, payload, at, mayBePlain || isLeftOut);
  return { ...head, ...decodeLetterSecret(opened), position, keyId: keyIdAt(payload, at) };
}

/** The row of a letter whose event, or which itself, is sealed with the key `keyId`; 0: it is with its stream's. */
export function letterDraft(consumer: string, position: number, row: LetterRow, keyId: number): RowDraft {
  const { stream } = row;
  const key = letterKey(consumer, position);
  return {
    table: 'dead_letters',
    key,
    value: encodeLetterHead(row),
    secret: {
      label: 'dead-letter',
      owner: keyId === 0 ? { kind: 'stream', stream, subject: undefined } : { kind: 'event-key', id: keyId, stream },
      payload: ownPayload(encodeLetterSecret(row)),
      ifErased: 'omit',
      plain: encodeLetterRow(key, row),
    },
  };
}

/**
 * Visits what the books say of the dead letters of `consumer` behind position `after`, oldest first; `false` ends it. `open`
 * gives the whole letter, within the visit. @throws {STORE_CORRUPT}
 */
export function walkLetters(
  snapshot: Snapshot,
  consumer: string,
  after: number,
  visit: (letter: LetterEntry, open: () => Letter) => boolean | undefined,
): void {
  const { below } = keysOf(consumer);
  snapshot.walkRows('dead_letters', { from: letterKey(consumer, after + 1), below }, (key, row) =>
    visit({ ...decodeLetterRow(key, row).head, position: positionOfKey(key) }, () => openLetter(snapshot, key, row)),
  );
}

/** Visits the parked events of `consumer`, by stream and position; `false` ends it. @throws {STORE_CORRUPT} */
export function walkParked(
  snapshot: Snapshot,
  consumer: string,
  visit: (stream: string, position: number) => boolean | undefined,
): void {
  const consumerBytes = Buffer.byteLength(consumer);
  snapshot.walkRows('parked', keysOf(consumer), (key, row) => {
    checkParkedRow(key, row);
    return visit(streamOfKey(key, consumerBytes), positionOfKey(key));
  });
}

/** Streams with parked events, behind the stream `after` in the order of the rows, at most `limit`; looks at one row of each. @throws {STORE_CORRUPT} */
export function parkedStreams(
  snapshot: Snapshot,
  consumer: string,
  after: string | undefined,
  limit: number,
): readonly string[] {
  const consumerBytes = Buffer.byteLength(consumer);
  const { from, below } = keysOf(consumer);
  const streams: string[] = [];
  let next = after === undefined ? from : keysOf(consumer, after).below;
  for (let found: string | undefined; streams.length < limit; found = undefined) {
    snapshot.walkRows('parked', { from: next, below }, (key, row) => {
      checkParkedRow(key, row);
      found = streamOfKey(key, consumerBytes);
      return false;
    });
    if (found === undefined) break;
    streams.push(found);
    next = keysOf(consumer, found).below;
  }
  return streams;
}

/** Positions parked in one stream, oldest first, at most `limit`. @throws {STORE_CORRUPT} */
export function parkedPositions(snapshot: Snapshot, consumer: string, stream: string, limit: number): number[] {
  const positions: number[] = [];
  snapshot.walkRows('parked', keysOf(consumer, stream), (key, row) => {
    checkParkedRow(key, row);
    positions.push(positionOfKey(key));
    return positions.length < limit;
  });
  return positions;
}

/**
 * What removes the letters of `consumer` behind `position`, and what is parked there: their events come again. Of the
 * streams that are `wanted` only.
 */
export function lettersBehind(
  snapshot: Snapshot,
  consumer: string,
  position: number,
  wanted: (stream: string) => boolean = () => true,
): RowWrite[] {
  const rows: RowWrite[] = [];
  walkLetters(snapshot, consumer, position, (letter) => {
    if (!wanted(letter.stream)) return true;
    rows.push({ table: 'dead_letters', key: letterKey(consumer, letter.position), value: undefined });
    return true;
  });
  walkParked(snapshot, consumer, (stream, parked) => {
    if (parked <= position || !wanted(stream)) return true;
    rows.push({ table: 'parked', key: parkedKey(consumer, stream, parked), value: undefined });
    return true;
  });
  return rows;
}
