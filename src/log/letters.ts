/**
 * Reading what consumers gave up: their dead letters, and the events parked behind them.
 */
import {
  checkParkedRow,
  decodeLetterRow,
  keysOf,
  type LetterRow,
  letterKey,
  parkedKey,
  positionOfKey,
  streamOfKey,
} from '../codec/letter-row.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';

/** A dead letter, with the position of its event. */
export interface Letter extends LetterRow {
  readonly position: number;
}

/** The dead letter of `consumer` at `position`, if there is one. @throws {STORE_CORRUPT} */
export function readLetter(snapshot: Snapshot, consumer: string, position: number): Letter | undefined {
  const key = letterKey(consumer, position);
  const row = snapshot.row('dead_letters', key);
  return row === undefined ? undefined : { position, ...decodeLetterRow(key, row) };
}

/** Visits the dead letters of `consumer` behind position `after`, oldest first; `false` ends it. @throws {STORE_CORRUPT} */
export function walkLetters(
  snapshot: Snapshot,
  consumer: string,
  after: number,
  visit: (letter: Letter) => boolean | undefined,
): void {
  const { below } = keysOf(consumer);
  snapshot.walkRows('dead_letters', { from: letterKey(consumer, after + 1), below }, (key, row) =>
    visit({ position: positionOfKey(key), ...decodeLetterRow(key, row) }),
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
