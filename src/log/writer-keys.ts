/**
 * The writer's keys and what meta says of them, which changes in the transactions that use, make or destroy keys.
 *
 * The file of keys is made durable first: it may be ahead of meta, never behind.
 */
import type { KeyBook } from '../crypto/key-ports.ts';
import type { Engine, RowWrite, Snapshot } from '../storage/engine.ts';
import { keyNumbers, metaNumberRow, readMetaNumber } from './store-meta.ts';

interface KeyMeta {
  readonly keyGeneration: number;
  readonly lastKeyId: number;
  readonly plainEvents: number;
}

export class WriterKeys {
  readonly book: KeyBook;
  /** As stored. */
  #meta: KeyMeta;
  /** As the transaction under way leaves it. */
  #next: KeyMeta;

  /** @throws {STORE_CORRUPT} */
  constructor(book: KeyBook, engine: Engine) {
    this.book = book;
    this.#meta = engine.read(readKeyMeta);
    this.#next = this.#meta;
  }

  /** Whether keys were destroyed, or all wrapped anew, and meta does not say so. */
  get isAhead(): boolean {
    return this.book.generation !== this.#meta.keyGeneration;
  }

  /** Makes the keys durable, and gives the rows that go with a transaction that adds so many plain events. @throws {STORE_FULL} {STORE_FAILED} */
  flush(plainEvents: number): RowWrite[] {
    const { book } = this;
    book.flush();
    this.#next = {
      keyGeneration: book.generation,
      lastKeyId: book.lastKeyId,
      plainEvents: this.#meta.plainEvents + plainEvents,
    };
    return keyNumbers
      .filter((name) => this.#meta[name] !== this.#next[name])
      .map((name) => metaNumberRow(name, this.#next[name]));
  }

  /** That transaction is durable. */
  committed(): void {
    if (this.isAhead) this.book.recorded();
    this.#meta = this.#next;
  }
}

function readKeyMeta(snapshot: Snapshot): KeyMeta {
  const [keyGeneration, lastKeyId, plainEvents] = keyNumbers.map((name) => readMetaNumber(snapshot, name)) as [
    number,
    number,
    number,
  ];
  return { keyGeneration, lastKeyId, plainEvents };
}
