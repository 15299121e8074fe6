/**
 * Which cursors a processor has: one, or one for each of its partitions; and the way from one layout to another.
 *
 * The plain cursor, of the processor's own name, is where partitions begin that have no cursor yet. When the number of
 * partitions changes it goes to the lowest of all cursors, and the old ones are removed, in one move: nothing is lost, and
 * what comes again is behind that place. Nothing of the new layout begins before what the old one had begun has ended.
 */
import { textKey } from '../src/codec/row.ts';
import type { CursorPlace } from '../src/log/cursor.ts';
import { lettersBehind } from '../src/log/letters.ts';
import {
  type PartitionCursor,
  partitionCursorName,
  partitionCursorOf,
  partitionCursors,
} from '../src/log/partitions.ts';
import type { RowWrite } from '../src/storage/engine.ts';
import type { ProcessorHost } from './processor-names.ts';

export class CursorLayout {
  readonly #host: ProcessorHost;
  readonly #name: string;
  readonly #from: 'now' | number;
  readonly #partitions: number;
  #settled: Promise<void> | undefined;

  /** `partitions`: 0 for what never has any, and keeps its cursor in a way of its own. */
  constructor(host: ProcessorHost, name: string, from: 'now' | number, partitions: number) {
    this.#host = host;
    this.#name = name;
    this.#from = from;
    this.#partitions = partitions;
  }

  /** Resolves when handlers and moves of this processor have ended that had begun in another layout. */
  async othersEnded(): Promise<void> {
    const { handlers, moves } = this.#host.names;
    const isOther = (cursorName: string) => {
      const { name, of } = partitionCursorOf(cursorName) ?? { name: cursorName, of: 1 };
      return name === this.#name && of !== this.#partitions;
    };
    await handlers.ended(isOther);
    await moves.ended(isOther);
  }

  /**
   * The cursor of `cursorName` at its first use; makes it durable unless it is at the beginning.
   * To be called in the turn of that cursor, when {@link othersEnded}.
   */
  async cursor(cursorName: string): Promise<CursorPlace | undefined> {
    const { store } = this.#host;
    if (store.load !== undefined) return store.load();
    if (this.#partitions <= 1) {
      if (this.#partitions === 1) await this.#settle();
      return store.cursor(cursorName) ?? (this.#from === 1 ? undefined : this.#begin(cursorName, this.#start()));
    }
    await this.#settledOnce();
    return store.cursor(cursorName) ?? this.#begin(cursorName, store.cursor(this.#name) ?? this.#start());
  }

  /** Partitions settle together; they have their name for as long as they live. */
  #settledOnce(): Promise<void> {
    this.#settled ??= this.#settle().catch((error: unknown) => {
      this.#settled = undefined;
      throw error;
    });
    return this.#settled;
  }

  async #settle(): Promise<void> {
    const { store } = this.#host;
    const stored = store.read((snapshot) => partitionCursors(snapshot, this.#name));
    const isOther = stored.some(({ of }) => of !== this.#partitions);
    if (!isOther && this.#partitions === 1) return;
    const plain = store.cursor(this.#name);
    if (isOther) await this.#fold(stored, plain);
    // One beginning for all, also for those that begin later.
    else if (plain === undefined) await this.#begin(this.#name, this.#start());
  }

  async #fold(stored: readonly PartitionCursor[], plain: CursorPlace | undefined): Promise<void> {
    const { store } = this.#host;
    const to = this.#lowest(stored, plain);
    const cursorRows = stored.map(
      ({ cursorName }): RowWrite => ({ table: 'consumer_cursors', key: textKey(cursorName), value: undefined }),
    );
    const letterRows = store.read((snapshot) => lettersBehind(snapshot, this.#name, to.position));
    await store.moveCursor({ name: this.#name, expected: plain, to, rows: [...cursorRows, ...letterRows] });
  }

  #lowest(stored: readonly PartitionCursor[], plain: CursorPlace | undefined): CursorPlace {
    const { position: start, generation: first } = plain ?? { position: 0, generation: 1 };
    const places = stored.map(({ cursorName }) => this.#host.store.cursor(cursorName) as CursorPlace);
    const names = new Set(stored.map(({ cursorName }) => cursorName));
    const isWhole = (of: number) =>
      Array.from({ length: of }, (_, index) => partitionCursorName(this.#name, { index, of })).every((name) =>
        names.has(name),
      );
    // Those that never got a cursor of their own are where they would have begun.
    const isMissing = [...new Set(stored.map(({ of }) => of))].some((of) => !isWhole(of));
    const position = Math.min(...places.map((place) => place.position), isMissing ? start : Number.POSITIVE_INFINITY);
    const generation = Math.max(first, ...places.map((place) => place.generation));
    // Only a new generation goes back.
    return { position, generation: position < start && generation === first ? generation + 1 : generation };
  }

  async #begin(cursorName: string, place: CursorPlace): Promise<CursorPlace> {
    await this.#host.store.moveCursor({ name: cursorName, expected: undefined, to: place, rows: [] });
    return place;
  }

  #start(): CursorPlace {
    const head = this.#host.store.head();
    return { position: this.#from === 'now' ? head : Math.min(this.#from - 1, head), generation: 1 };
  }
}
