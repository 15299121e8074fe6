/**
 * Reading a projection: from any thread, and from processes that only read.
 *
 * Each call takes the active build and its entries from one snapshot, so that it never mixes two. What it sees is durable,
 * and is the projection as of one position.
 */
import { inspect } from 'node:util';
import type { Observable, Subscriber } from 'rxjs';
import type { EncodedPayload } from '../src/codec/payload.ts';
import { decodeEntry, type ProjectionBuild } from '../src/codec/projection-row.ts';
import { BusError } from '../src/errors.ts';
import { pageEventsMax } from '../src/limits.ts';
import { readCursor } from '../src/log/cursor.ts';
import { abortError, type PageSource, pagesOf, throwIfAborted } from '../src/log/pages.ts';
import { checkProjectionKey, type KeyRange, type ProjectionRange, resolveRange } from '../src/log/projection-range.ts';
import { BuildEntries, buildCursorName, readBuilds } from '../src/log/projection-rows.ts';
import type { Engine, Snapshot } from '../src/storage/engine.ts';
import type { Pages } from '../src/types.ts';
import { GuardedObservable } from './guarded-observable.ts';
import { keepAlive } from './keep-alive.ts';
import type { WaitOptions } from './processor.ts';
import type { ProjectionEntry } from './projection-view.ts';
import type { ProjectionWatch } from './projection-watch.ts';

export interface ProjectionRangeOptions extends ProjectionRange {
  /** Ends the iteration with {ABORTED}. */
  readonly signal?: AbortSignal;
}

/** A projection as it is read. A projection that was never built is empty, at position 0. */
export interface ProjectionReader<Value> {
  readonly name: string;
  /** That of the handlers whose entries are read; `undefined` as long as nothing was built. @throws {STORE_CLOSED} */
  readonly version: number | undefined;
  /** The events up to here are in the entries. @throws {STORE_CLOSED} */
  readonly position: number;
  /** @throws {TypeError} {STORE_CORRUPT} {STORE_CLOSED} */
  get(key: string): Promise<Value | undefined>;
  /**
   * Entries in the order of their keys' bytes. A page, of at most 1024, is of one moment; each later one is as fresh as when it
   * is asked for. @throws {TypeError}. The iteration throws {PROJECTION_SWITCHED} {STORE_CORRUPT} {STORE_CLOSED} {ABORTED}.
   */
  range(options?: ProjectionRangeOptions): Pages<ProjectionEntry<Value>>;
  /** The value, then each change, conflated; `undefined` where there is none. Completes when the bus closes. */
  watch(key: string): Observable<Value | undefined>;
  /** Resolves when the events up to `position` are in what is read. @throws {TypeError} {ABORTED} {STORE_CLOSED} {STORE_CORRUPT} */
  waitFor(position: number, options?: WaitOptions): Promise<void>;
}

/** What reading needs. */
export interface ProjectionSource {
  readonly engine: Pick<Engine, 'read' | 'path'>;
  readonly incarnation: Uint8Array;
  readonly watch: ProjectionWatch;
  readonly report: (error: unknown) => void;
}

/** What is read at a moment, and how far it is. */
export interface Moment {
  readonly build: ProjectionBuild | undefined;
  readonly position: number;
}

export class StoredProjection<Value> implements ProjectionReader<Value> {
  readonly name: string;
  readonly #source: ProjectionSource;
  /** Of the build read last. */
  #entries: { readonly build: number; readonly entries: BuildEntries } | undefined;

  constructor(name: string, source: ProjectionSource) {
    this.name = name;
    this.#source = source;
  }

  get version(): number | undefined {
    return this.#read((snapshot) => this.#readable(snapshot))?.version;
  }

  get position(): number {
    return this.moment.position;
  }

  async get(key: string): Promise<Value | undefined> {
    checkProjectionKey(key);
    return decoded(this.#read((snapshot) => this.#active(snapshot)?.get(snapshot, key)));
  }

  range({ signal, ...range }: ProjectionRangeOptions = {}): Pages<ProjectionEntry<Value>> {
    const resolved = resolveRange(range);
    return pagesOf(() => this.#pages(resolved), signal);
  }

  watch(key: string): Observable<Value | undefined> {
    checkProjectionKey(key);
    return new GuardedObservable(
      (subscriber: Subscriber<Value | undefined>) => this.#subscribe(key, subscriber),
      this.#source.report,
    );
  }

  async waitFor(position: number, options: WaitOptions = {}): Promise<void> {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new TypeError(`position must be a position from 0 on, got ${inspect(position)}`);
    }
    await this.waitUntil((moment) => moment.position >= position, options);
  }

  /** Resolves when `condition` holds for what is read. @throws as {@link ProjectionReader.waitFor} */
  waitUntil(condition: (moment: Moment) => boolean, { signal }: WaitOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      if (condition(this.moment)) return resolve();
      let letGo = () => {};
      let leave = () => {};
      const end = (settle: () => void) => {
        leave();
        letGo();
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = () => end(() => reject(abortError(signal as AbortSignal, 'nothing-written')));
      const look = () => {
        try {
          if (condition(this.moment)) end(resolve);
        } catch (error) {
          end(() => reject(error));
        }
      };
      signal?.addEventListener('abort', onAbort);
      letGo = keepAlive();
      leave = this.#source.watch.add(look, () => end(() => reject(this.#closed())));
    });
  }

  #subscribe(key: string, subscriber: Subscriber<Value | undefined>): () => void {
    let isFirst = true;
    let told: EncodedPayload | undefined;
    const look = () => {
      try {
        // Not by the position: a dead letter that is tried again changes entries where the cursor is.
        const stored = this.#read((snapshot) => this.#active(snapshot)?.get(snapshot, key));
        if (!isFirst && isSame(stored, told)) return;
        isFirst = false;
        told = stored;
        subscriber.next(decoded(stored));
      } catch (error) {
        subscriber.error(error);
      }
    };
    look();
    return subscriber.closed ? () => undefined : this.#source.watch.add(look, () => subscriber.complete());
  }

  #pages(range: KeyRange): PageSource<ProjectionEntry<Value>> {
    let build: number | undefined;
    let after: string | undefined;
    let left = range.limit;
    return () => {
      if (left === 0) return undefined;
      const page = this.#read((snapshot) => {
        const entries = this.#active(snapshot);
        const current = this.#entries?.build;
        if (entries === undefined) return undefined;
        if (build !== undefined && build !== current) throw this.#switched();
        build = current;
        return entries.page(snapshot, range, after, Math.min(left, pageEventsMax));
      });
      if (page === undefined) return undefined;
      after = page.items.at(-1)?.key;
      left -= page.items.length;
      const items = page.items.map(({ key, value }) => ({ key, value: decodeEntry(value) as Value }));
      return { items, isLast: page.isLast || left === 0 };
    };
  }

  /** What is read, and how far it is. @throws {STORE_CORRUPT} {STORE_CLOSED} */
  get moment(): Moment {
    return this.#read((snapshot) => {
      const build = this.#readable(snapshot);
      if (build === undefined) return { build, position: 0 };
      const cursor = readCursor(snapshot, buildCursorName(this.name, build.build), this.#source.incarnation);
      return { build, position: cursor?.position ?? 0 };
    });
  }

  /** The entries to read in `snapshot`. */
  #active(snapshot: Snapshot): BuildEntries | undefined {
    const { active } = readBuilds(snapshot, this.name);
    if (active === undefined) return undefined;
    if (this.#entries?.build !== active.build) {
      this.#entries = { build: active.build, entries: new BuildEntries(this.name, active) };
    }
    return this.#entries.entries;
  }

  /** The build that is read, unless its key is erased: then there is none, until another one is built. */
  #readable(snapshot: Snapshot): ProjectionBuild | undefined {
    return this.#active(snapshot)?.areErased(snapshot) === false ? readBuilds(snapshot, this.name).active : undefined;
  }

  #read<T>(use: (snapshot: Snapshot) => T): T {
    return this.#source.engine.read(use);
  }

  #switched(): BusError {
    const message = `another build of the projection ${JSON.stringify(this.name)} took over while a range of it was read: read it again`;
    return new BusError('PROJECTION_SWITCHED', message, { projection: this.name });
  }

  #closed(): BusError {
    return new BusError('STORE_CLOSED', 'the bus is closed', { path: this.#source.engine.path });
  }
}

function decoded<Value>(stored: EncodedPayload | undefined): Value | undefined {
  return stored === undefined ? undefined : (decodeEntry(stored) as Value);
}

function isSame(left: EncodedPayload | undefined, right: EncodedPayload | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.encoding === right.encoding && Buffer.compare(left.bytes, right.bytes) === 0;
}
