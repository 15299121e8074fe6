/**
 * Makes events of the records of checked blocks: plain ones, and sealed ones with the keys of the snapshot they are read from.
 *
 * Neighbours that were sealed together share the work of opening. Refuses what can't be: a sealed record without keys, and a
 * plain one where everything is sealed.
 */
import { type Block, decryptionFailed } from '../codec/block.ts';
import { type DecodeCount, decodedEvent, decodedSealedEvent, eventView, sealedEventView } from '../codec/event.ts';
import { isPlainRecord } from '../codec/record.ts';
import { SealedRun } from '../codec/sealed-run.ts';
import type { KeyView } from '../crypto/key-ports.ts';
import { BusError } from '../errors.ts';
import type { StoredEvent } from '../types.ts';
import { RecordOpener } from './record-opener.ts';

export class EventMaker {
  readonly #opener: RecordOpener | undefined;
  /** The last one made of. */
  #run: SealedRun | undefined;

  /** `keys` are those of the snapshot. */
  constructor(keys: KeyView | undefined) {
    this.#opener = keys && new RecordOpener(keys);
  }

  /** Whether the record says that it is sealed: then its event is made of its block. */
  isSealed(block: Block, ordinal: number): boolean {
    return !isPlainRecord(block.bytes, block.recordAt(ordinal));
  }

  /** An event that is decoded when it is asked for its data, and keeps the block's bytes until then. */
  view(block: Block, ordinal: number, count?: DecodeCount): StoredEvent {
    const { bytes } = block;
    const at = block.recordAt(ordinal);
    const type = block.typeName(block.typeIndexAt(at));
    if (!isPlainRecord(bytes, at)) return sealedEventView(this.runOf(block, ordinal), ordinal, type, count);
    const position = block.positionOf(ordinal);
    return eventView(bytes, at, position, this.#plainStream(block, at, position), type, count);
  }

  /** An event that is decoded now. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
  decoded(block: Block, ordinal: number): StoredEvent {
    const { bytes } = block;
    const at = block.recordAt(ordinal);
    const type = block.typeName(block.typeIndexAt(at));
    if (!isPlainRecord(bytes, at)) return decodedSealedEvent(this.runOf(block, ordinal), ordinal, type);
    const position = block.positionOf(ordinal);
    return decodedEvent(bytes, at, position, this.#plainStream(block, at, position), type);
  }

  /** The stream of a plain record. @throws {DECRYPTION_FAILED} where nothing is plain */
  plainStream(block: Block, ordinal: number): string {
    return this.#plainStream(block, block.recordAt(ordinal), block.positionOf(ordinal));
  }

  #plainStream(block: Block, recordAt: number, position: number): string {
    const stream = block.streamName(block.streamIndexAt(recordAt));
    if (this.#opener === undefined || position <= this.#opener.plainUntil || stream.startsWith('$')) return stream;
    throw decryptionFailed(position);
  }

  /** The run of a sealed record. @throws {MASTER_KEY_REQUIRED} {DECRYPTION_FAILED} */
  runOf(block: Block, ordinal: number): SealedRun {
    const run = this.#run;
    if (run !== undefined && run.block === block && ordinal >= run.first && ordinal <= run.last) return run;
    if (this.#opener === undefined) throw keysMissing(block.positionOf(ordinal));
    this.#run = new SealedRun(block, ordinal, this.#opener);
    return this.#run;
  }
}

function keysMissing(position: number): BusError<'MASTER_KEY_REQUIRED'> {
  const message = `the event at position ${position} is sealed, and this store was opened when nothing in it was: open it again with \`encryption\``;
  return new BusError('MASTER_KEY_REQUIRED', message, { path: '' });
}
