/**
 * Blocks with sealed records, made and read without a store: as the writer packs them, and as both kinds of reads open them.
 */
import type { KeyObject } from 'node:crypto';
import { Block } from '#kernel/codec/block';
import { BlockPacker, type PackedBlock } from '#kernel/codec/block-packer';
import { encodePayload } from '#kernel/codec/payload';
import { draftBytes, encodeId, writeDraft } from '#kernel/codec/record';
import type { KeyOwner } from '#kernel/crypto/key-owner';
import type { KeyBook, KeyView, SealingKey } from '#kernel/crypto/key-ports';
import { recordSealer } from '#kernel/log/event-keys';
import { EventMaker } from '#kernel/log/event-maker';
import type { Metadata, StoredEvent } from '#store';
import { KeysInMemory } from './keys-in-memory.ts';

/**
 * Keys of a store in which everything but streams of the bus is sealed from its first event on. They open for any owner: what
 * refuses is the authentication alone.
 */
export class KeysOfAll extends KeysInMemory {
  override readonly plainUntil = 0;
  readonly #given = new Map<number, KeyObject>();

  override open(id: number, owner: KeyOwner): KeyObject | undefined {
    return this.#given.get(id) ?? super.open(id, owner);
  }

  override sealing(owner: KeyOwner, newKeyGeneration: boolean): SealingKey | undefined {
    if (owner.kind === 'stream' && owner.stream.startsWith('$')) return undefined;
    const sealing = super.sealing(owner, newKeyGeneration);
    if (sealing !== undefined) this.#given.set(sealing.id, sealing.key);
    return sealing;
  }
}

/** An event to be packed; `subject`: sealed with a key of its own. */
export interface GivenEvent {
  readonly stream: string;
  readonly subject?: string | undefined;
  readonly type: string;
  readonly id: string;
  readonly data: unknown;
  readonly metadata: Metadata | undefined;
}

const incarnation = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
const timeMs = 1_700_000_000_000;

/** The events as they are to be read, from `firstPosition` on; a stream's versions begin with 1. */
export function stored(events: readonly GivenEvent[], firstPosition: number): StoredEvent[] {
  const versions = new Map<string, number>();
  return events.map(({ id, stream, type, data, metadata }, index) => {
    const version = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, version);
    return { id, stream, version, position: firstPosition + index, type, data, metadata, timeMs };
  });
}

/** Blocks of one commit; their bytes are copies. */
export function packSealed(events: readonly GivenEvent[], keys: KeyBook, firstPosition: number): PackedBlock[] {
  const packer = new BlockPacker(incarnation, recordSealer(keys));
  packer.start(firstPosition);
  packer.beginCommit(events.length, { key: 'key of the call', hash: new Uint8Array(32).fill(7) });
  for (const [index, { version, stream, type }] of stored(events, firstPosition).entries()) {
    const { id, data, metadata, subject } = events[index] as GivenEvent;
    const draft = {
      id: encodeId(id),
      data: encodePayload(data, index, 'data'),
      metadata: encodePayload(metadata, index, 'metadata'),
    };
    const source = Buffer.alloc(draftBytes(draft));
    writeDraft(source, 0, draft);
    const key = keys.sealing({ kind: 'stream', stream, subject }, false);
    packer.add({ stream, type, version, timeMs, key }, source, 0, source.length);
  }
  return packer.finish().map((block) => ({ ...block, bytes: Uint8Array.from(block.bytes) }));
}

/** All events of a block, as a scan with its whole check reads them: opened at once. */
export function scanned(bytes: Uint8Array, firstPosition: number, keys: KeyView | undefined): StoredEvent[] {
  const block = new Block(bytes, firstPosition, 'whole');
  const maker = new EventMaker(keys);
  return ordinals(block).map((ordinal) => {
    block.checkKnown(ordinal);
    return maker.decoded(block, ordinal);
  });
}

/** The same as views that are opened when their data is touched, before or behind their metadata. */
export function viewed(
  bytes: Uint8Array,
  firstPosition: number,
  keys: KeyView | undefined,
  isMetadataFirst = false,
): StoredEvent[] {
  const block = new Block(bytes, firstPosition, isMetadataFirst ? 'whole' : 'directory');
  const maker = new EventMaker(keys);
  return ordinals(block).map((ordinal) => {
    if (isMetadataFirst) block.checkKnown(ordinal);
    else block.checkRecord(ordinal);
    const event = maker.view(block, ordinal);
    if (isMetadataFirst) void event.metadata;
    return { ...event };
  });
}

const refusals: readonly unknown[] = ['DECRYPTION_FAILED', 'STORE_CORRUPT', 'STORE_FORMAT'];

/** What a manipulated block gives to each kind of read that does not refuse it. */
export function answersOf(bytes: Uint8Array, firstPosition: number, keys: KeyView): StoredEvent[][] {
  return [
    () => scanned(bytes, firstPosition, keys),
    () => viewed(bytes, firstPosition, keys),
    () => viewed(bytes, firstPosition, keys, true),
  ].flatMap((read) => {
    try {
      return [read()];
    } catch (error) {
      if (refusals.includes((error as { code?: unknown }).code)) return [];
      throw error;
    }
  });
}

function ordinals({ eventCount }: Block): number[] {
  return Array.from({ length: eventCount }, (_, ordinal) => ordinal);
}
