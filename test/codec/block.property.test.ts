/** Blocks: what a packer writes, a reader finds again, whatever the sizes and names. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Block, type CommitEntry } from '#kernel/codec/block';
import { BlockPacker, type PackedBlock, type PackedEvent } from '#kernel/codec/block-packer';

import { draftBytes, encodeId, type RecordDraft, recordField, writeDraft } from '#kernel/codec/record';
import { limits } from '#store';

interface GivenEvent extends PackedEvent {
  readonly draft: RecordDraft;
}

interface GivenCommit {
  readonly events: readonly GivenEvent[];
  readonly idempotency: CommitEntry['idempotency'];
}

/** The payload that `undefined` becomes. */
const nothing = { encoding: 0, bytes: new Uint8Array(0) };
const incarnation = Uint8Array.from({ length: 16 }, (_, index) => index + 1);

const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'order-1', 'größe', '語') },
  fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
  fc.integer({ min: 1, max: 512 }).map((bytes) => 'n'.repeat(bytes)),
  fc.integer({ min: 1, max: 256 }).map((letters) => 'é'.repeat(letters)),
);
const number48 = fc.oneof(fc.nat(), fc.integer({ min: 1, max: limits.u48Max }));
const payload = fc
  .oneof(
    { weight: 8, arbitrary: fc.nat(400) },
    { weight: 2, arbitrary: fc.nat(6000) },
    { weight: 1, arbitrary: fc.nat(40_000) },
  )
  .chain((length) =>
    fc.nat(255).map((byte) => (length === 0 ? nothing : { encoding: 1, bytes: new Uint8Array(length).fill(byte) })),
  );
const event: fc.Arbitrary<GivenEvent> = fc.record({
  stream: name,
  type: name,
  version: number48,
  timeMs: number48,
  draft: fc.record({
    id: fc.oneof(fc.uuid(), fc.string({ minLength: 1, maxLength: 60 })).map(encodeId),
    data: payload,
    metadata: payload,
  }),
});
const commit: fc.Arbitrary<GivenCommit> = fc.record({
  events: fc.array(event, { minLength: 1, maxLength: 30 }),
  idempotency: fc.option(
    fc
      .tuple(fc.oneof(name, fc.constant('k'.repeat(512))), fc.uint8Array({ minLength: 32, maxLength: 32 }))
      .map(([key, hash]) => ({ key, hash })),
    { nil: undefined },
  ),
});
const transaction = fc.array(commit, { minLength: 1, maxLength: 8 });

/** Packs the commits of a transaction; the blocks are copies. */
function pack(packer: BlockPacker, firstPosition: number, commits: readonly GivenCommit[]): PackedBlock[] {
  packer.start(firstPosition);
  for (const { events, idempotency } of commits) {
    packer.beginCommit(events.length, idempotency);
    const source = Buffer.alloc(events.reduce((bytes, { draft }) => bytes + draftBytes(draft), 0));
    let start = 0;
    for (const { draft, ...place } of events) {
      const end = writeDraft(source, start, draft);
      packer.add(place, source, start, end);
      start = end;
    }
  }
  return packer.finish().map((block) => ({ ...block, bytes: Uint8Array.from(block.bytes) }));
}

const flat = (commits: readonly GivenCommit[]) => commits.flatMap(({ events }) => events);

test('all events of all commits are found in the blocks, in order', () => {
  fc.assert(
    fc.property(transaction, fc.integer({ min: 1, max: 2 ** 40 }), (commits, firstPosition) => {
      const blocks = pack(new BlockPacker(incarnation), firstPosition, commits).map(
        (packed) => new Block(packed.bytes, packed.firstPosition, 'whole'),
      );

      let position = firstPosition;
      for (const block of blocks) {
        expect(block.firstPosition).toBe(position);
        expect(Buffer.from(block.incarnation)).toEqual(Buffer.from(incarnation));
        for (let ordinal = 0; ordinal < block.eventCount; ordinal++) {
          expectEvent(block, ordinal, flat(commits)[position - firstPosition] as GivenEvent);
          expect(block.positionOf(ordinal)).toBe(position++);
        }
      }
      expect(position).toBe(firstPosition + flat(commits).length);
    }),
  );
});

test('the blocks list every commit where it has events, and its key where it begins', () => {
  fc.assert(
    fc.property(transaction, fc.integer({ min: 1, max: 2 ** 40 }), (commits, firstPosition) => {
      const blocks = pack(new BlockPacker(incarnation), firstPosition, commits).map(
        (packed) => new Block(packed.bytes, packed.firstPosition, 'directory'),
      );

      let begin = firstPosition;
      const expected = commits.map(({ events, idempotency }) => {
        const entry = { firstPosition: begin, eventCount: events.length, idempotency };
        begin += events.length;
        return entry;
      });
      for (const block of blocks) {
        const inBlock = expected
          .filter((entry) => entry.firstPosition <= block.lastPosition)
          .filter((entry) => entry.firstPosition + entry.eventCount > block.firstPosition)
          .map((entry) => (entry.firstPosition < block.firstPosition ? { ...entry, idempotency: undefined } : entry));
        expect(block.commits()).toStrictEqual(inBlock);
      }
    }),
  );
});

test('a block is no larger than its limits, unless one event alone is', () => {
  fc.assert(
    fc.property(transaction, (commits) => {
      for (const packed of pack(new BlockPacker(incarnation), 1, commits)) {
        const { eventCount } = new Block(packed.bytes, packed.firstPosition, 'directory');
        expect(eventCount).toBeGreaterThan(0);
        expect(eventCount).toBeLessThanOrEqual(limits.blockEventsMax);
        if (packed.bytes.length > limits.blockBytesMax) expect(eventCount).toBe(1);
      }
    }),
  );
});

test('a block is closed only when the next event would not fit', () => {
  fc.assert(
    fc.property(transaction, (commits) => {
      const blocks = pack(new BlockPacker(incarnation), 1, commits);

      for (const [index, { bytes }] of blocks.entries()) {
        const following = blocks[index + 1];
        if (following === undefined) continue;
        const next = flat(commits)[following.firstPosition - 1] as GivenEvent;
        // At most: record, offset, both names, and a commit's entry with its hash and the longest key.
        const needed = draftBytes(next.draft) + 4 + 2 * (2 + limits.nameBytesMax) + 12 + 32 + 512;
        expect(bytes.length + needed).toBeGreaterThan(limits.blockBytesMax);
      }
    }),
  );
});

test('a packer starts each transaction anew', () => {
  fc.assert(
    fc.property(transaction, transaction, (first, second) => {
      const used = new BlockPacker(incarnation);
      pack(used, 1, first);

      const again = pack(used, 500, second);

      expect(again).toEqual(pack(new BlockPacker(incarnation), 500, second));
    }),
    { numRuns: 30 },
  );
});

test('an event larger than a block is alone in one, between those of its neighbours', () => {
  const small = { stream: 's', type: 't', version: 1, timeMs: 1, draft: draftOf(10) };
  const large = { ...small, draft: draftOf(limits.eventBytesMax - 100) };

  const blocks = pack(new BlockPacker(incarnation), 1, [
    { events: [small, small, large, small], idempotency: undefined },
    { events: [small], idempotency: undefined },
  ]);

  const counts = blocks.map(({ bytes, firstPosition }) => new Block(bytes, firstPosition, 'whole').eventCount);
  expect(counts).toEqual([2, 1, 2]);
});

test('the smallest events fill a block up to its bytes', () => {
  const smallest = { stream: 's', type: 't', version: 1, timeMs: 1, draft: draftOf(0) };
  const events = Array.from({ length: 9000 }, () => smallest);

  const blocks = pack(new BlockPacker(incarnation), 1, [{ events, idempotency: undefined }]);

  for (const { bytes } of blocks.slice(0, -1)) expect(limits.blockBytesMax - bytes.length).toBeLessThan(60);
});

test('a block opened under another position, cut, or longer than it says is refused', () => {
  const [packed] = pack(new BlockPacker(incarnation), 7, [
    { events: [{ stream: 's', type: 't', version: 1, timeMs: 1, draft: draftOf(50) }], idempotency: undefined },
  ]) as [PackedBlock];
  const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT' });

  for (const check of ['whole', 'directory'] as const) {
    expect(() => new Block(packed.bytes, 8, check)).toThrow(corrupt);
    expect(() => new Block(Buffer.concat([packed.bytes, Buffer.alloc(1)]), 7, check)).toThrow(corrupt);
    for (let length = 0; length < packed.bytes.length; length++) {
      expect(() => new Block(packed.bytes.subarray(0, length), 7, check)).toThrow(corrupt);
    }
  }
});

test('random bytes are refused as a block', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, hasMagic) => {
      if (hasMagic) bytes.set(Buffer.from('vblk').subarray(0, bytes.length));

      for (const check of ['whole', 'directory'] as const) {
        expect(() => new Block(bytes, 1, check)).toThrow(expect.objectContaining({ name: 'BusError' }));
      }
    }),
  );
});

test('one flipped bit in a block is found by the check of the whole, and by that of the directory unless it is in a record', () => {
  const [packed] = pack(new BlockPacker(incarnation), 7, [
    {
      events: [
        { stream: 's', type: 'größe', version: 1, timeMs: 1, draft: draftOf(50) },
        { stream: 't', type: 't', version: 9, timeMs: 2, draft: draftOf(0) },
      ],
      idempotency: { key: 'k', hash: new Uint8Array(32) },
    },
  ]) as [PackedBlock];
  const intact = new Block(packed.bytes, 7, 'whole');

  for (let bit = 0; bit < packed.bytes.length * 8; bit++) {
    const bytes = Uint8Array.from(packed.bytes);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => new Block(bytes, 7, 'whole')).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));

    const place = bit >> 3;
    const isInRecord = place >= intact.recordAt(0) && place < intact.recordEnd(1);
    const isInLastChecksum = place >= bytes.length - 4;
    if (isInRecord) {
      const block = new Block(bytes, 7, 'directory');
      const ordinal = place < intact.recordAt(1) ? 0 : 1;
      expect(() => block.checkRecord(ordinal)).toThrow(
        expect.objectContaining({ code: 'STORE_CORRUPT', detail: { table: 'events_log', position: 7 + ordinal } }),
      );
      block.checkRecord(1 - ordinal);
    } else if (!isInLastChecksum) {
      expect(() => new Block(bytes, 7, 'directory')).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));
    }
  }
});

function draftOf(dataBytes: number): RecordDraft {
  const data = dataBytes === 0 ? nothing : { encoding: 1, bytes: new Uint8Array(dataBytes) };
  return { id: new Uint8Array(16), data, metadata: nothing };
}

function expectEvent(block: Block, ordinal: number, given: GivenEvent): void {
  const at = block.recordAt(ordinal);
  block.checkRecord(ordinal);
  expect([
    block.streamName(block.streamIndexAt(at)),
    block.typeName(block.typeIndexAt(at)),
    block.versionAt(at),
    block.timeMsAt(at),
  ]).toEqual([given.stream, given.type, given.version, given.timeMs]);
  expect(block.recordEnd(ordinal) - at).toBe(draftBytes(given.draft));
  const draft = Buffer.alloc(draftBytes(given.draft));
  writeDraft(draft, 0, given.draft);
  const record = Buffer.from(block.bytes.subarray(at, block.recordEnd(ordinal)));
  // What the writer fills in is all that differs.
  for (const [start, end] of [
    [recordField.crc, recordField.flags],
    [recordField.streamIndex, recordField.keyId],
    [recordField.version, recordField.id],
  ] as const) {
    record.fill(0, start, end);
  }
  expect(record.equals(draft)).toBe(true);
}
