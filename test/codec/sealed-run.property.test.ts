/**
 * Sealed runs: whatever their shape they come back, and nothing about them can be changed by somebody who can write to the
 * store and mend its checksums, but has no keys. The limits are small, so that runs go over blocks.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Block, blockField, blockHeaderBytes } from '#kernel/codec/block';
import type { PackedBlock } from '#kernel/codec/block-packer';
import { readU16, readU32, writeU16, writeU32, writeU48 } from '#kernel/codec/bytes';
import { flagJoined, recordField, recordHeaderBytes, runSealBytes } from '#kernel/codec/record';
import { limits } from '#store';
import { type BlockParts, mendChecksums, putTogether, takeApart } from '../kit/block-surgery.ts';
import { answersOf, type GivenEvent, KeysOfAll, packSealed, scanned, stored, viewed } from '../kit/sealed-blocks.ts';

vi.mock('#kernel/limits', async (importOriginal) => ({
  ...(await importOriginal<typeof import('#kernel/limits')>()),
  blockBytesMax: 900,
}));

const plainObjects = { noNullPrototype: true };
const text = (maxLength: number) => fc.nat(maxLength).map((length) => 'x'.repeat(length));
const payload = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 6, arbitrary: fc.record({ text: text(200), n: fc.integer() }, plainObjects) },
  { weight: 1, arbitrary: fc.record({ text: text(3000) }, plainObjects) },
);
const event: fc.Arbitrary<GivenEvent> = fc.record({
  stream: fc.constantFrom('a', 'a', 'a', 'größe', '$bus'),
  subject: fc.constantFrom(undefined, undefined, 'ann', 'bob'),
  type: fc.constantFrom('t', 'paid', '語'),
  id: fc.oneof(fc.uuid(), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })),
  data: payload,
  metadata: fc.option(fc.record({ by: text(60) }, plainObjects), { nil: undefined }),
});
const events = fc.array(event, { minLength: 1, maxLength: 25 });
const firstPosition = fc.integer({ min: 1, max: 2 ** 40 });

test('runs of any shape come back, by a scan and record by record', () => {
  fc.assert(
    fc.property(events, firstPosition, (given, first) => {
      const keys = new KeysOfAll();
      const expected = stored(given, first);

      const blocks = packSealed(given, keys, first);

      expect(blocks.flatMap((block) => scanned(block.bytes, block.firstPosition, keys))).toStrictEqual(expected);
      expect(blocks.flatMap((block) => viewed(block.bytes, block.firstPosition, keys))).toStrictEqual(expected);
      expect(blocks.flatMap((block) => viewed(block.bytes, block.firstPosition, keys, true))).toStrictEqual(expected);
    }),
  );
});

test('neighbours in a block with one key share a seal, and only they', () => {
  fc.assert(
    fc.property(events, firstPosition, (given, first) => {
      const keys = new KeysOfAll();

      const blocks = packSealed(given, keys, first);

      for (const packed of blocks) {
        const block = new Block(packed.bytes, packed.firstPosition, 'whole');
        let keyBefore = 0;
        for (let ordinal = 0; ordinal < block.eventCount; ordinal++) {
          const keyId = block.keyIdAt(block.recordAt(ordinal));
          expect(block.sealAt(ordinal)).toBe(keyId === 0 ? 'plain' : keyId === keyBefore ? 'joined' : 'first');
          keyBefore = keyId;
        }
      }
    }),
  );
});

test('nothing of data and metadata is in a block, at any size', () => {
  const canary = 'a canary that is told to nobody';
  for (const length of [0, 1, 50, 600, 5000]) {
    const filling = 'x'.repeat(length);
    const given = [
      { data: [canary, filling] },
      { data: { [canary]: filling } },
      { metadata: { [canary]: canary } },
    ].map((some) => ({ stream: 'a', type: 't', id: 'id', data: undefined, metadata: undefined, ...some }));

    for (const { bytes } of packSealed(given, new KeysOfAll(), 1))
      expect(Buffer.from(bytes).includes(canary)).toBe(false);
  }
});

/** A block with three runs, one of them of three records, and a plain event between; ids of both kinds, data of every size. */
function attacked(): {
  readonly keys: KeysOfAll;
  readonly packed: PackedBlock;
  readonly truth: ReturnType<typeof stored>;
} {
  const id = '0190a0a0-1111-7222-8333-444444444444';
  const given: GivenEvent[] = [
    { stream: 'a', type: 't', id, data: { n: 1 }, metadata: { by: 'x' } },
    { stream: 'a', type: 'u', id: 'text', data: { n: 2 }, metadata: undefined },
    { stream: 'a', type: 't', id, data: undefined, metadata: undefined },
    { stream: '$bus', type: 't', id, data: undefined, metadata: undefined },
    { stream: 'b', type: 't', id, data: undefined, metadata: { by: 'y' } },
    { stream: 'a', subject: 'ann', type: 't', id, data: { n: 3 }, metadata: { by: 'x' } },
  ];
  const keys = new KeysOfAll();
  const [packed, ...more] = packSealed(given, keys, 7) as [PackedBlock];
  expect(more).toEqual([]);
  return { keys, packed, truth: stored(given, 7) };
}

/** What of a block is not about its events: first byte and the one behind the last. */
function unauthenticated(bytes: Uint8Array): Record<string, [number, number]> {
  const directoryAt = readU32(bytes, blockField.directoryAt);
  let commitsAt = directoryAt + 4 * readU32(bytes, blockField.eventCount);
  const names = readU16(bytes, blockField.typeCount) + readU16(bytes, blockField.streamCount);
  for (let name = 0; name < names; name++) commitsAt += 2 + readU16(bytes, commitsAt);
  return {
    reserved: [blockField.reserved, blockField.blockBytes],
    incarnation: [blockField.incarnation, blockField.firstPosition],
    'number of stream names': [blockField.streamCount, blockField.typeCount],
    'number of commits': [blockField.commitCount, blockField.eventCount],
    commits: [commitsAt, bytes.length - 8],
    checksums: [bytes.length - 8, bytes.length],
  };
}

test('a bit that is changed anywhere in a sealed block, checksums and all, is refused, or is not about an event', () => {
  const { keys, packed, truth } = attacked();
  const { bytes } = packed;
  const free = Object.values(unauthenticated(bytes));
  const block = new Block(bytes, 7, 'whole');
  for (let ordinal = 0; ordinal < block.eventCount; ordinal++) {
    const start = block.recordAt(ordinal);
    free.push([start, start + recordField.flags]);
  }
  // Of the plain one anything may be changed.
  const nameAt = Buffer.from(bytes).indexOf('$bus');
  free.push([block.recordAt(3), block.recordEnd(3)], [nameAt, nameAt + 4]);
  const served: number[] = [];

  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const at = bit >> 3;
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
    mendChecksums(changed);
    for (const answer of answersOf(changed, 7, keys)) {
      answer[3] = truth[3] as (typeof truth)[number];
      if (!isDeepStrictEqual(answer, truth)) expect(answer, `bit ${bit & 7} of byte ${at}`).toStrictEqual(truth);
      if (!free.some(([start, end]) => at >= start && at < end)) served.push(at);
    }
  }

  expect(served).toEqual([]);
});

test('a bit that is changed anywhere in the records, names and offsets of random blocks is refused', () => {
  fc.assert(
    fc.property(events, fc.nat(), fc.nat(), (given, place, bit) => {
      const keys = new KeysOfAll();
      const sealed = given.filter(({ stream }) => stream !== '$bus');
      fc.pre(sealed.length > 0);
      const blocks = packSealed(sealed, keys, 1);
      const packed = blocks[place % blocks.length] as PackedBlock;
      const { bytes, firstPosition } = packed;
      const truth = scanned(bytes, firstPosition, keys);
      const changed = Uint8Array.from(bytes);
      const at = blockHeaderBytes + ((bit >> 3) % (bytes.length - blockHeaderBytes));
      changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
      mendChecksums(changed);

      const isFree = Object.values(unauthenticated(bytes)).some(([start, end]) => at >= start && at < end);
      for (const answer of answersOf(changed, firstPosition, keys)) {
        if (!isFree) expect(Buffer.from(changed).equals(bytes)).toBe(true);
        expect(answer).toStrictEqual(truth);
      }
    }),
  );
});

/** Two blocks of a stream, as the first is to be attacked with parts of the second. */
function twoBlocks() {
  const keys = new KeysOfAll();
  const given = (n: number): GivenEvent[] =>
    ['a', 'a', 'b', 'a'].map((stream, index) => ({
      stream,
      type: index === 1 ? 'u' : 't',
      id: 'text',
      data: { n: n + index },
      metadata: undefined,
    }));
  const [first] = packSealed(given(0), keys, 1) as [PackedBlock];
  const [second] = packSealed(given(10), keys, 5) as [PackedBlock];
  return { keys, first, second };
}

type Attack = (parts: BlockParts, other: BlockParts) => void;
const recordOf = (parts: BlockParts, ordinal: number) => parts.records[ordinal] as Uint8Array;
/** Exchanges two records of a block, or of two. */
function swap(parts: BlockParts, ordinal: number, other: BlockParts, otherOrdinal: number): void {
  const record = recordOf(parts, ordinal);
  parts.records[ordinal] = recordOf(other, otherOrdinal);
  other.records[otherOrdinal] = record;
}
/** Makes the record a run of its own, under the seal of another record. */
function withSeal(record: Uint8Array, seal: Uint8Array): Uint8Array {
  const whole = Uint8Array.from(
    Buffer.concat([record.subarray(0, recordHeaderBytes), seal, record.subarray(recordHeaderBytes)]),
  );
  (whole[recordField.flags] as number) &= ~flagJoined;
  whole[recordField.sealBytes] = runSealBytes;
  return whole;
}
const sealOf = (record: Uint8Array) => record.subarray(recordHeaderBytes, recordHeaderBytes + runSealBytes);

const attacks: Readonly<Record<string, Attack>> = {
  'two records of one run are swapped': (parts) => {
    const [first, second] = parts.records as [Uint8Array, Uint8Array];
    parts.records[0] = withSeal(second, sealOf(first));
    parts.records[1] = Uint8Array.from(
      Buffer.concat([first.subarray(0, recordHeaderBytes), first.subarray(recordHeaderBytes + runSealBytes)]),
    );
    (parts.records[1][recordField.flags] as number) |= flagJoined;
    parts.records[1][recordField.sealBytes] = 0;
  },
  'two runs of one stream are swapped, of which one is a record': (parts) => {
    parts.records = [3, 2, 0, 1].map((ordinal) => recordOf(parts, ordinal));
  },
  'runs of two streams are swapped': (parts) => swap(parts, 2, parts, 3),
  'a record is replaced by that of another block with the same place in it': (parts, other) => swap(parts, 3, other, 3),
  'a whole run is': (parts, other) => {
    swap(parts, 0, other, 0);
    swap(parts, 1, other, 1);
  },
  'only the second record of a run is': (parts, other) => swap(parts, 1, other, 1),
  'a seal is': (parts, other) => recordOf(parts, 3).set(sealOf(recordOf(other, 3)), recordHeaderBytes),
  'a stream has another name': (parts) => {
    parts.streams[0] = 'c';
  },
  'a record is moved to another stream of the block': (parts) =>
    writeU16(recordOf(parts, 3), recordField.streamIndex, 1),
  'a type has another name': (parts) => {
    parts.types[0] = 'v';
  },
  'a record has another type of the block': (parts) => writeU16(recordOf(parts, 0), recordField.typeIndex, 1),
  'the types of two records are exchanged': (parts) => {
    writeU16(recordOf(parts, 0), recordField.typeIndex, 1);
    writeU16(recordOf(parts, 1), recordField.typeIndex, 0);
  },
  'a letter goes from the name of a stream to the type': (parts) => {
    parts.streams = ['', 'b'];
    parts.types = ['at', 'u'];
  },
  'a record has another version': (parts) => writeU48(recordOf(parts, 1), recordField.version, 3),
  'a record has another time': (parts) => writeU48(recordOf(parts, 1), recordField.timeMs, 3),
  'a record has another id': (parts) => {
    const record = recordOf(parts, 1);
    record.set(Buffer.from('next'), recordHeaderBytes);
  },
  'a record has another key id': (parts) => writeU32(recordOf(parts, 3), recordField.keyId, 2),
  'data says that it is nothing': (parts) => {
    recordOf(parts, 3)[recordField.dataEncoding] = 0;
  },
  'data says that it is metadata': (parts) => {
    const record = recordOf(parts, 3);
    writeU32(record, recordField.metadataBytes, readU32(record, recordField.dataBytes));
    writeU32(record, recordField.dataBytes, 0);
    record.copyWithin(recordField.metadataEncoding, recordField.dataEncoding, recordField.metadataEncoding);
    record[recordField.dataEncoding] = 0;
  },
  'data is cut out': (parts) => {
    const record = recordOf(parts, 3).slice(0, -readU32(recordOf(parts, 3), recordField.dataBytes));
    writeU32(record, recordField.dataBytes, 0);
    record[recordField.dataEncoding] = 0;
    parts.records[3] = record;
  },
  'a byte goes from one record of a run to the next': (parts) => {
    const [first, second] = parts.records as [Uint8Array, Uint8Array];
    const textEnd = recordHeaderBytes + readU16(second, recordField.idTextBytes);
    parts.records[1] = Uint8Array.from(
      Buffer.concat([second.subarray(0, textEnd), first.subarray(-1), second.subarray(textEnd)]),
    );
    parts.records[0] = first.slice(0, -1);
    for (const record of [0, 1]) {
      const change = record === 0 ? -1 : 1;
      const bytes = readU32(recordOf(parts, record), recordField.dataBytes) + change;
      writeU32(recordOf(parts, record), recordField.dataBytes, bytes);
    }
  },
  'the end of a run is cut off': (parts) => {
    parts.records = [recordOf(parts, 0)];
  },
  'a record is left out': (parts) => {
    parts.records = parts.records.filter((_, ordinal) => ordinal !== 0);
  },
  'a record is there twice': (parts) => {
    parts.records = [0, 1, 2, 3, 3].map((ordinal) => recordOf(parts, ordinal));
  },
  'a joined record stands first': (parts) => {
    parts.records = [1, 0].map((ordinal) => recordOf(parts, ordinal));
  },
  'a joined record is made a run of its own, with the seal of its run': (parts) => {
    parts.records[1] = withSeal(recordOf(parts, 1), sealOf(recordOf(parts, 0)));
  },
  'a run is joined to the one before': (parts) => {
    const record = recordOf(parts, 2);
    parts.records[2] = Uint8Array.from(
      Buffer.concat([record.subarray(0, recordHeaderBytes), record.subarray(recordHeaderBytes + runSealBytes)]),
    );
    (parts.records[2][recordField.flags] as number) |= flagJoined;
    parts.records[2][recordField.sealBytes] = 0;
  },
  'a joined record has a seal as well': (parts) => {
    parts.records[1] = withSeal(recordOf(parts, 1), sealOf(recordOf(parts, 0)));
    (parts.records[1][recordField.flags] as number) |= flagJoined;
  },
  'the block says that nothing in it is sealed': (parts) => {
    parts.header[blockField.cipher] = 0;
  },
  'a sealed record is called plain': (parts) => {
    const record = Uint8Array.from(
      Buffer.concat([
        recordOf(parts, 3).subarray(0, recordHeaderBytes),
        recordOf(parts, 3).subarray(recordHeaderBytes + runSealBytes),
      ]),
    );
    record[recordField.sealBytes] = 0;
    writeU32(record, recordField.keyId, 0);
    parts.records[3] = record;
  },
  'a plain event is slipped in': (parts) => {
    const record = recordOf(parts, 3).slice(0, recordHeaderBytes);
    for (const field of [recordField.dataEncoding, recordField.sealBytes, recordField.flags]) record[field] = 0;
    for (const field of [recordField.keyId, recordField.dataBytes]) writeU32(record, field, 0);
    writeU16(record, recordField.idTextBytes, 0);
    parts.records.push(record);
  },
};

describe('a block is refused', () => {
  test.each(Object.entries(attacks))('when %s', (_, attack) => {
    const { keys, first, second } = twoBlocks();
    const parts = takeApart(first.bytes, 1);
    expect(answersOf(putTogether(parts), 1, keys)).toHaveLength(3);

    attack(parts, takeApart(second.bytes, 5));

    expect(answersOf(putTogether(parts), 1, keys)).toEqual([]);
  });

  test('when it stands for another, earlier or later', () => {
    const { keys, first, second } = twoBlocks();

    for (const [packed, place] of [
      [first, 5],
      [second, 1],
      [first, 2],
    ] as const) {
      const parts = takeApart(packed.bytes, packed.firstPosition);
      parts.firstPosition = place;
      expect(answersOf(putTogether(parts), place, keys)).toEqual([]);
    }
  });

  test('when it is another store’s, even with the same keys', () => {
    const { keys, first } = twoBlocks();
    const other = Object.create(keys, { cryptoId: { value: new Uint8Array(16) } }) as KeysOfAll;

    expect(answersOf(first.bytes, 1, keys)).toHaveLength(3);
    expect(() => scanned(first.bytes, 1, new KeysOfAll())).toThrow(
      expect.objectContaining({ code: 'DECRYPTION_FAILED' }),
    );
    for (const read of [scanned, viewed]) {
      expect(() =>
        read(first.bytes, 1, {
          cryptoId: other.cryptoId,
          plainUntil: 0,
          refresh: () => undefined,
          open: (id, owner) => keys.open(id, owner),
          isErased: () => false,
          close: () => undefined,
        }),
      ).toThrow(expect.objectContaining({ code: 'DECRYPTION_FAILED', detail: { table: 'events_log', position: 1 } }));
    }
  });

  test('at any length that it is cut to, unless only commits are missing', () => {
    const { keys, first } = twoBlocks();
    const truth = scanned(first.bytes, 1, keys);
    const [commitsAt] = unauthenticated(first.bytes).commits as [number, number];

    for (let length = 0; length < first.bytes.length; length++) {
      const cut = first.bytes.slice(0, length);
      if (length > 60) {
        writeU32(cut, blockField.blockBytes, length);
        mendChecksums(cut);
      }
      const answers = answersOf(cut, 1, keys);
      if (length < commitsAt) expect(answers).toEqual([]);
      for (const answer of answers) if (!isDeepStrictEqual(answer, truth)) expect(answer).toStrictEqual(truth);
    }
  });
});

test('a failure names the position of the run', () => {
  const { keys, first } = twoBlocks();
  const parts = takeApart(first.bytes, 1);
  const record = recordOf(parts, 3);
  record[record.length - 1] = (record.at(-1) as number) ^ 1;
  const changed = putTogether(parts);

  expect(() => scanned(changed, 1, keys)).toThrow(
    expect.objectContaining({
      code: 'DECRYPTION_FAILED',
      detail: { table: 'events_log', position: 4 },
    }),
  );
});

test('a large event has a block and a seal of its own, also when it is larger than all blocks', () => {
  const keys = new KeysOfAll();
  const large = { stream: 'a', type: 't', id: 'x', data: 'y'.repeat(limits.eventBytesMax - 1000), metadata: undefined };
  const small = { ...large, data: 1 };

  const blocks = packSealed([small, large, small], keys, 1);

  expect(blocks.map(({ bytes, firstPosition }) => new Block(bytes, firstPosition, 'whole').sealAt(0))).toEqual([
    'first',
    'first',
    'first',
  ]);
  expect(blocks.flatMap((block) => scanned(block.bytes, block.firstPosition, keys))).toStrictEqual(
    stored([small, large, small], 1),
  );
});

test('a text id is part of what is sealed, and is not in the ciphertext', () => {
  const keys = new KeysOfAll();
  const given = ['one', 'two'].map((id) => ({ stream: 'a', type: 't', id, data: 1, metadata: undefined }));
  const [packed] = packSealed(given, keys, 1) as [PackedBlock];
  const bytes = Buffer.from(packed.bytes);
  const at = bytes.indexOf('two');
  expect(at).toBeGreaterThan(0);

  bytes.set(Buffer.from('owt'), at);
  mendChecksums(bytes);

  expect(answersOf(Uint8Array.from(bytes), 1, keys)).toEqual([]);
});
