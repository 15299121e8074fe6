/**
 * Snapshots of one aggregate: which of them may be used, and what is said of those that may not.
 *
 * The log is the truth: a snapshot that is damaged, of other code, of another store, or ahead of its stream is passed over
 * and reported. What comes again with every load of every stream is reported once.
 */
import { encodePayload } from '../src/codec/payload.ts';
import { encodeSnapshotHead, snapshotKey } from '../src/codec/snapshot-row.ts';
import { BusError, type ErrorDetails, isBusError } from '../src/errors.ts';
import { snapshotBytesMax } from '../src/limits.ts';
import { ownPayload, type RowDraft } from '../src/log/row-draft.ts';
import { openSnapshot } from '../src/log/snapshots.ts';
import { readMetaNumber } from '../src/log/store-meta.ts';
import type { Engine } from '../src/storage/engine.ts';
import type { SnapshotOptions } from './aggregate-options.ts';

type Reason = ErrorDetails['SNAPSHOT_IGNORED']['reason'];

export interface SnapshotWorld {
  readonly engine: Engine;
  readonly incarnation: Uint8Array;
  readonly report: (error: unknown) => void;
}

/** A state, and the version of its stream. */
export interface Snapshotted {
  readonly state: unknown;
  readonly version: number;
}

export class AggregateSnapshots {
  /** Events that are worth a snapshot. */
  readonly every: number;
  readonly #name: string;
  readonly #version: number;
  readonly #world: SnapshotWorld;
  readonly #reported = new Set<Reason>();

  constructor(name: string, { every, version }: Required<SnapshotOptions>, world: SnapshotWorld) {
    this.every = every;
    this.#name = name;
    this.#version = version;
    this.#world = world;
  }

  /** The newest snapshot, if it can be used; `versionOf` is asked after the snapshot was read. @throws {STORE_CLOSED} */
  read(stream: string, versionOf: () => number): Snapshotted | undefined {
    const key = snapshotKey(this.#name, stream);
    try {
      const snapshot = this.#world.engine.read((view) => {
        const row = view.row('snapshots', key);
        return row === undefined ? undefined : openSnapshot(view, stream, key, row);
      });
      if (snapshot === undefined) return undefined;
      if (snapshot.snapshotVersion !== this.#version) {
        return this.#ignore(stream, 'version', `is of version ${snapshot.snapshotVersion}, not ${this.#version}`);
      }
      if (Buffer.compare(snapshot.incarnation, this.#world.incarnation) !== 0) {
        return this.#ignore(stream, 'incarnation', 'is of another incarnation of this store');
      }
      const version = versionOf();
      if (snapshot.streamVersion > version) {
        return this.#ignore(stream, 'ahead', `is of version ${snapshot.streamVersion}, the stream is at ${version}`);
      }
      return snapshot.isErased ? undefined : { state: snapshot.state(), version: snapshot.streamVersion };
    } catch (error) {
      if (!isBusError(error, 'STORE_CORRUPT') && !isBusError(error, 'DECRYPTION_FAILED')) throw error;
      return this.#ignore(stream, 'damaged', 'is damaged', error);
    }
  }

  /** Rises when keys are erased; 0 in a store without. @throws {STORE_CLOSED} */
  keyGeneration(): number {
    return this.#world.engine.read((view) => (view.keys === undefined ? 0 : readMetaNumber(view, 'keyGeneration')));
  }

  /**
   * The row of a snapshot; none for a state that is too large. Not written when keys were erased since `keyGeneration`.
   * @throws {TypeError} for a state that can't be stored.
   */
  rows(
    stream: string,
    { state, version, keyGeneration }: Snapshotted & { readonly keyGeneration: number },
  ): RowDraft[] {
    const payload = this.encoded(stream, state);
    if (payload === undefined) return [];
    const key = snapshotKey(this.#name, stream);
    const head = { streamVersion: version, snapshotVersion: this.#version, incarnation: this.#world.incarnation };
    // Some of the events may name a subject, and are sealed where the others of the stream are not.
    const owner = { kind: 'stream', stream, subject: undefined, isWhole: true } as const;
    const secret = {
      label: 'snapshot',
      owner,
      payload: ownPayload(payload),
      ifErased: 'leave-out',
      keyGeneration,
    } as const;
    return [{ table: 'snapshots', key, value: encodeSnapshotHead(head), secret }];
  }

  /** `undefined`: it is too large, which is reported. @throws {TypeError} for a state that can't be stored. */
  encoded(stream: string, state: unknown): ReturnType<typeof encodePayload> | undefined {
    try {
      const payload = encodePayload(state, 0, 'data');
      if (payload.bytes.length <= snapshotBytesMax) return payload;
      return this.#ignore(stream, 'too-large', `would take ${payload.bytes.length} bytes of ${snapshotBytesMax}`);
    } catch (error) {
      if (isBusError(error, 'EVENT_TOO_LARGE')) {
        return this.#ignore(stream, 'too-large', `would take more than ${snapshotBytesMax} bytes`, error);
      }
      if (!isBusError(error, 'EVENT_INVALID')) throw error;
      const path = `state${error.detail.path.slice('data'.length)}`;
      throw new TypeError(`the state of the aggregate ${this.#name} can't be kept in a snapshot, because of ${path}`, {
        cause: error,
      });
    }
  }

  #ignore(stream: string, reason: Reason, what: string, cause?: unknown): undefined {
    const isRecurrent = reason === 'version' || reason === 'incarnation' || reason === 'too-large';
    if (isRecurrent && this.#reported.has(reason)) return undefined;
    this.#reported.add(reason);
    const aggregate = this.#name;
    this.#world.report(
      new BusError(
        'SNAPSHOT_IGNORED',
        `the snapshot ${aggregate} of ${JSON.stringify(stream)} ${what}: its events are folded instead`,
        { aggregate, stream, reason },
        cause === undefined ? {} : { cause },
      ),
    );
    return undefined;
  }
}
