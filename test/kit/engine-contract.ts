/**
 * What every engine does, as a list of behaviours that need no test runner: each opens stores of its own with the factory
 * it is given and throws when something is wrong.
 */
import assert from 'node:assert/strict';
import type { ErrorCode } from '#kernel/errors';
import type { Engine, RowRange, RowWrite, Snapshot, TableName } from '#kernel/storage/engine';

/** A place that can hold one store; opened and closed as often as a behaviour likes. */
interface EnginePlace {
  open(options?: { readonly readOnly?: boolean; readonly initialRows?: readonly RowWrite[] }): Promise<Engine>;
}

/** Makes an empty place. */
export type EngineFactory = () => Promise<EnginePlace>;

export interface EngineBehaviour {
  readonly name: string;
  run(factory: EngineFactory): Promise<void>;
}

/** Bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Text of bytes, copied out of what may be borrowed. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** `[position, text]` of every block that a walk upward gives. */
export function blocksForward(engine: Engine, position: number): [number, string][] {
  return engine.read((snapshot) => collect((visit) => snapshot.walkForward(position, visit)));
}

/** `[position, text]` of every block that a walk downward gives. */
function blocksBackward(engine: Engine, position: number): [number, string][] {
  return engine.read((snapshot) => collect((visit) => snapshot.walkBackward(position, visit)));
}

/** `key=value` of every row in a range. */
export function rowsOf(engine: Engine, table: TableName, range: RowRange = {}): string[] {
  return engine.read((snapshot) => {
    const rows: string[] = [];
    snapshot.walkRows(table, range, (key, value) => {
      rows.push(`${textOf(key)}=${textOf(value)}`);
      return true;
    });
    return rows;
  });
}

/** Commits blocks and rows given as text. */
export function commitTexts(
  engine: Engine,
  blocks: Readonly<Record<number, string>>,
  rows: readonly (readonly [TableName, string, string | undefined])[] = [],
): void {
  engine.commit({
    blocks: Object.entries(blocks).map(([position, text]) => ({
      firstPosition: Number(position),
      bytes: bytesOf(text),
    })),
    rows: rows.map(([table, key, value]) => ({
      table,
      key: bytesOf(key),
      value: value === undefined ? undefined : bytesOf(value),
    })),
  });
}

function collect(walk: (visit: (position: number, bytes: Uint8Array) => boolean) => void): [number, string][] {
  const found: [number, string][] = [];
  walk((position, bytes) => {
    found.push([position, textOf(bytes)]);
    return true;
  });
  return found;
}

function assertThrows(action: () => unknown, code: ErrorCode): void {
  assert.throws(action, (error: unknown) => {
    assert.equal((error as { code?: unknown }).code, code, String(error));
    return true;
  });
}

const everyRow: readonly string[] = ['a=1', 'b=', 'bb=3', 'c=4'];

async function openWithRows(factory: EngineFactory): Promise<Engine> {
  const engine = await (await factory()).open();
  commitTexts(engine, {}, [
    ['streams', 'c', '4'],
    ['streams', 'a', '1'],
    ['streams', 'bb', '3'],
    ['streams', 'b', ''],
    ['meta', 'other', 'table'],
  ]);
  return engine;
}

async function openWithBlocks(factory: EngineFactory): Promise<Engine> {
  const engine = await (await factory()).open();
  commitTexts(engine, { 1: 'one', 4: 'four' });
  commitTexts(engine, { 9: 'nine' });
  return engine;
}

const allBlocks: readonly [number, string][] = [
  [1, 'one'],
  [4, 'four'],
  [9, 'nine'],
];

export const engineBehaviours: readonly EngineBehaviour[] = [
  {
    name: 'an empty store gives no block and no row',
    async run(factory) {
      const engine = await (await factory()).open();

      assert.deepEqual(blocksForward(engine, 1), []);
      assert.deepEqual(blocksBackward(engine, 1), []);
      assert.deepEqual(rowsOf(engine, 'streams'), []);
      assert.deepEqual(rowsOf(engine, 'streams', { reverse: true }), []);
      engine.read((snapshot) => {
        assert.equal(snapshot.block(1), undefined);
        assert.equal(snapshot.row('meta', bytesOf('format')), undefined);
      });
      engine.close();
    },
  },
  {
    name: 'a new store has its initial rows, and an old one is not given them again',
    async run(factory) {
      const place = await factory();
      const initialRows = [{ table: 'meta', key: bytesOf('format'), value: bytesOf('1') }] as const;
      const first = await place.open({ initialRows });
      const found = rowsOf(first, 'meta');
      commitTexts(first, {}, [['meta', 'format', '2']]);
      first.close();
      const second = await place.open({ initialRows });

      assert.deepEqual(found, ['format=1']);
      assert.deepEqual(rowsOf(second, 'meta'), ['format=2']);
      second.close();
    },
  },
  {
    name: 'a walk forward starts with the block that could hold the position',
    async run(factory) {
      const engine = await openWithBlocks(factory);

      assert.deepEqual(blocksForward(engine, 1), allBlocks);
      assert.deepEqual(blocksForward(engine, 3), allBlocks);
      assert.deepEqual(blocksForward(engine, 4), allBlocks.slice(1));
      assert.deepEqual(blocksForward(engine, 8), allBlocks.slice(1));
      assert.deepEqual(blocksForward(engine, 9), allBlocks.slice(2));
      assert.deepEqual(blocksForward(engine, Number.MAX_SAFE_INTEGER), allBlocks.slice(2));
      engine.close();
    },
  },
  {
    name: 'a walk forward from before the first block starts with the first',
    async run(factory) {
      const engine = await (await factory()).open();
      commitTexts(engine, { 5: 'five', 7: 'seven' });

      assert.deepEqual(blocksForward(engine, 1), [
        [5, 'five'],
        [7, 'seven'],
      ]);
      assert.deepEqual(blocksBackward(engine, 4), []);
      engine.close();
    },
  },
  {
    name: 'a walk backward starts with the last block that begins at or before the position',
    async run(factory) {
      const engine = await openWithBlocks(factory);
      const downward = allBlocks.toReversed();

      assert.deepEqual(blocksBackward(engine, Number.MAX_SAFE_INTEGER), downward);
      assert.deepEqual(blocksBackward(engine, 9), downward);
      assert.deepEqual(blocksBackward(engine, 8), downward.slice(1));
      assert.deepEqual(blocksBackward(engine, 1), downward.slice(2));
      engine.close();
    },
  },
  {
    name: 'a visitor ends its walk with false, and with nothing else',
    async run(factory) {
      const engine = await openWithBlocks(factory);
      commitTexts(engine, {}, [
        ['streams', 'a', '1'],
        ['streams', 'b', '2'],
      ]);
      const seen: (number | string)[] = [];
      const stop = (position: number): false => {
        seen.push(position);
        return false;
      };

      engine.read((snapshot) => {
        snapshot.walkForward(2, stop);
        snapshot.walkBackward(8, stop);
        snapshot.walkForward(1, (position) => {
          seen.push(position);
          return position === 4 ? false : undefined;
        });
        snapshot.walkRows('streams', {}, (key) => {
          seen.push(textOf(key));
          return false;
        });
      });

      assert.deepEqual(seen, [1, 4, 1, 4, 'a']);
      engine.close();
    },
  },
  {
    name: 'a visitor may walk and read in its turn, and the outer walk goes on where it was',
    async run(factory) {
      const engine = await openWithBlocks(factory);
      commitTexts(engine, {}, [
        ['streams', 'a', '1'],
        ['streams', 'b', '2'],
      ]);
      const seen: string[] = [];

      engine.read((snapshot) => {
        snapshot.walkForward(1, (position) => {
          snapshot.walkBackward(position, (inner) => {
            seen.push(`${position}:${inner}`);
            return true;
          });
          seen.push(`${position}:${textOf(snapshot.row('streams', bytesOf('a')) ?? bytesOf('none'))}`);
          return true;
        });
        snapshot.walkRows('streams', {}, (key) => {
          const name = textOf(key);
          snapshot.walkRows('streams', { reverse: true, below: bytesOf('bb') }, (inner) => {
            seen.push(`${name}:${textOf(inner)}`);
            return true;
          });
          return true;
        });
      });

      assert.deepEqual(seen.join(' '), '1:1 1:1 4:4 4:1 4:1 9:9 9:4 9:1 9:1 a:b a:a b:b b:a');
      engine.close();
    },
  },
  {
    name: 'a block is found by the position of its first event only',
    async run(factory) {
      const engine = await openWithBlocks(factory);

      engine.read((snapshot) => {
        assert.equal(textOf(snapshot.block(4) ?? bytesOf('none')), 'four');
        assert.equal(snapshot.block(5), undefined);
        assert.equal(snapshot.block(2 ** 40), undefined);
      });
      engine.close();
    },
  },
  {
    name: 'positions beyond 32 bits keep their order',
    async run(factory) {
      const engine = await (await factory()).open();
      const positions = [1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 48 - 1];
      for (const position of positions) commitTexts(engine, { [position]: String(position) });

      assert.deepEqual(
        blocksForward(engine, 1),
        positions.map((position) => [position, String(position)]),
      );
      assert.deepEqual(blocksBackward(engine, 2 ** 32 - 2), [
        [2 ** 31, String(2 ** 31)],
        [1, '1'],
      ]);
      engine.close();
    },
  },
  {
    name: 'a range of rows includes its lowest key and excludes its highest, both ways',
    async run(factory) {
      const engine = await openWithRows(factory);
      const ranges: readonly (readonly [string | undefined, string | undefined, readonly string[]])[] = [
        [undefined, undefined, everyRow],
        ['b', undefined, everyRow.slice(1)],
        ['aa', undefined, everyRow.slice(1)],
        [undefined, 'bb', everyRow.slice(0, 2)],
        [undefined, 'bbb', everyRow.slice(0, 3)],
        ['b', 'c', everyRow.slice(1, 3)],
        ['b', 'b', []],
        ['c', 'a', []],
        ['d', undefined, []],
        [undefined, 'A', []],
        ['', '', []],
        ['', undefined, everyRow],
      ];

      for (const [from, below, expected] of ranges) {
        const range = {
          ...(from === undefined ? {} : { from: bytesOf(from) }),
          ...(below === undefined ? {} : { below: bytesOf(below) }),
        };
        assert.deepEqual(rowsOf(engine, 'streams', range), expected, `from ${from} below ${below}`);
        assert.deepEqual(
          rowsOf(engine, 'streams', { ...range, reverse: true }),
          expected.toReversed(),
          `from ${from} below ${below} reverse`,
        );
      }
      engine.close();
    },
  },
  {
    name: 'keys are compared as unsigned bytes, and a shorter one comes first',
    async run(factory) {
      const engine = await (await factory()).open();
      const keys = [[0], [0, 0], [0, 1], [1], [0x7f], [0x80], [0xff], [0xff, 0]];
      engine.commit({
        blocks: [],
        rows: keys.toReversed().map((key) => ({ table: 'streams', key: Uint8Array.from(key), value: bytesOf('x') })),
      });

      const found = engine.read((snapshot) => {
        const rows: number[][] = [];
        snapshot.walkRows('streams', {}, (key) => {
          rows.push([...key]);
          return true;
        });
        return rows;
      });

      assert.deepEqual(found, keys);
      engine.close();
    },
  },
  {
    name: 'a row is replaced, removed, and removed again without an error',
    async run(factory) {
      const engine = await openWithRows(factory);

      commitTexts(engine, {}, [
        ['streams', 'a', 'new'],
        ['streams', 'c', undefined],
        ['streams', 'nothing', undefined],
      ]);
      commitTexts(engine, {}, [['streams', 'nothing', undefined]]);

      assert.deepEqual(rowsOf(engine, 'streams'), ['a=new', 'b=', 'bb=3']);
      assert.deepEqual(rowsOf(engine, 'meta'), ['other=table']);
      engine.close();
    },
  },
  {
    name: 'of several writes to one row in a commit the last one stands',
    async run(factory) {
      const engine = await (await factory()).open();

      commitTexts(engine, {}, [
        ['streams', 'a', '1'],
        ['streams', 'a', undefined],
        ['streams', 'a', '2'],
        ['streams', 'b', '1'],
        ['streams', 'b', undefined],
      ]);

      assert.deepEqual(rowsOf(engine, 'streams'), ['a=2']);
      engine.close();
    },
  },
  {
    name: 'what is written is copied: the caller may reuse its buffers after the commit',
    async run(factory) {
      const engine = await (await factory()).open();
      const bytes = bytesOf('before');
      const key = bytesOf('key');

      engine.commit({ blocks: [{ firstPosition: 1, bytes }], rows: [{ table: 'meta', key, value: bytes }] });
      bytes.fill(0);
      key.fill(0);

      assert.deepEqual(blocksForward(engine, 1), [[1, 'before']]);
      assert.deepEqual(rowsOf(engine, 'meta'), ['key=before']);
      engine.close();
    },
  },
  {
    name: 'buffers that are views of a larger one are written as the part they show',
    async run(factory) {
      const engine = await (await factory()).open();
      const whole = bytesOf('0123456789');

      engine.commit({
        blocks: [{ firstPosition: 1, bytes: whole.subarray(2, 5) }],
        rows: [{ table: 'meta', key: whole.subarray(5, 7), value: whole.subarray(7, 7) }],
      });

      assert.deepEqual(blocksForward(engine, 1), [[1, '234']]);
      assert.deepEqual(rowsOf(engine, 'meta'), ['56=']);
      engine.close();
    },
  },
  {
    name: 'what is read is a plain Uint8Array, and a slice of it is a copy that stays',
    async run(factory) {
      const engine = await openWithBlocks(factory);
      commitTexts(engine, {}, [['streams', 'a', 'value']]);
      const kept: Uint8Array[] = [];
      const keep = (bytes: Uint8Array | undefined): void => {
        assert.ok(bytes !== undefined && Object.getPrototypeOf(bytes) === Uint8Array.prototype);
        kept.push(bytes.slice());
      };

      engine.read((snapshot) => {
        keep(snapshot.block(1));
        keep(snapshot.row('streams', bytesOf('a')));
        snapshot.walkForward(4, (_, bytes) => {
          keep(bytes);
          return false;
        });
        snapshot.walkRows('streams', {}, (key, value) => {
          keep(key);
          keep(value);
          return true;
        });
      });
      engine.read((snapshot) => snapshot.block(9));

      assert.deepEqual(kept.map(textOf), ['one', 'value', 'four', 'a', 'value']);
      engine.close();
    },
  },
  {
    name: 'a commit becomes visible to the next read of every engine on the store, and raises the transaction id',
    async run(factory) {
      const place = await factory();
      const writer = await place.open();
      commitTexts(writer, { 1: 'one' });
      const reader = await place.open({ readOnly: true });
      const before = [blocksForward(reader, 1), writer.transactionId()] as const;

      commitTexts(writer, { 2: 'two' });

      assert.deepEqual(before[0], [[1, 'one']]);
      assert.deepEqual(blocksForward(reader, 2), [[2, 'two']]);
      assert.deepEqual(blocksForward(writer, 2), [[2, 'two']]);
      assert.ok(writer.transactionId() > before[1]);
      assert.equal(reader.transactionId(), writer.transactionId());
      reader.close();
      writer.close();
    },
  },
  {
    name: 'a commit writes blocks and rows together or, when it fails, none of them',
    async run(factory) {
      const engine = await openWithBlocks(factory);
      const id = engine.transactionId();
      const rows = [{ table: 'streams', key: bytesOf('a'), value: bytesOf('1') }] as const;
      const block = (firstPosition: number) => ({ firstPosition, bytes: bytesOf('late') });

      assertThrows(() => engine.commit({ blocks: [block(9)], rows }), 'INTERNAL_BUG');
      assertThrows(() => engine.commit({ blocks: [block(5)], rows }), 'INTERNAL_BUG');
      assertThrows(() => engine.commit({ blocks: [block(12), block(11)], rows }), 'INTERNAL_BUG');
      assertThrows(() => engine.commit({ blocks: [block(11), block(11)], rows }), 'INTERNAL_BUG');

      assert.deepEqual(blocksForward(engine, 1), allBlocks);
      assert.deepEqual(rowsOf(engine, 'streams'), []);
      assert.equal(engine.transactionId(), id);
      commitTexts(engine, { 10: 'ten' });
      assert.deepEqual(blocksForward(engine, 10), [[10, 'ten']]);
      engine.close();
    },
  },
  {
    name: 'a key or a value of a size that no engine takes is refused before anything is written',
    async run(factory) {
      const engine = await (await factory()).open();
      const blocks = [{ firstPosition: 1, bytes: bytesOf('one') }];
      const row = (key: number, value: number): RowWrite => ({
        table: 'streams',
        key: new Uint8Array(key).fill(65),
        value: new Uint8Array(value),
      });

      for (const wrong of [row(0, 1), row(1979, 1), row(1, 15 * 2 ** 20)])
        assertThrows(() => engine.commit({ blocks, rows: [wrong] }), 'INTERNAL_BUG');
      engine.read((snapshot) => {
        assertThrows(() => snapshot.row('streams', new Uint8Array(0)), 'INTERNAL_BUG');
        assertThrows(() => snapshot.row('streams', new Uint8Array(1979)), 'INTERNAL_BUG');
      });
      engine.commit({ blocks, rows: [row(1978, 1)] });

      assert.deepEqual(blocksForward(engine, 1), [[1, 'one']]);
      assert.equal(rowsOf(engine, 'streams').length, 1);
      engine.close();
    },
  },
  {
    name: 'a commit passes its fence only while the row has exactly that value',
    async run(factory) {
      const engine = await (await factory()).open();
      commitTexts(engine, {}, [['meta', 'epoch', '7']]);
      const fenced =
        (value: string, key = 'epoch') =>
        () =>
          engine.commit({
            blocks: [{ firstPosition: 1, bytes: bytesOf('one') }],
            rows: [{ table: 'streams', key: bytesOf('a'), value: bytesOf('1') }],
            fence: { table: 'meta', key: bytesOf(key), value: bytesOf(value) },
          });

      for (const wrong of ['8', '', '77']) assertThrows(fenced(wrong), 'WRITER_FENCED');
      assertThrows(fenced('7', 'missing'), 'WRITER_FENCED');
      const before = blocksForward(engine, 1);
      fenced('7')();

      assert.deepEqual(before, []);
      assert.deepEqual(blocksForward(engine, 1), [[1, 'one']]);
      engine.close();
    },
  },
  {
    name: 'an error of the reading function passes through, and the engine goes on',
    async run(factory) {
      const engine = await openWithBlocks(factory);
      const failure = new Error('of the user');

      assert.throws(() => {
        engine.read((snapshot) => {
          snapshot.walkForward(1, () => {
            throw failure;
          });
        });
      }, failure);

      assert.deepEqual(blocksForward(engine, 1), allBlocks);
      commitTexts(engine, { 10: 'ten' });
      assert.equal(blocksForward(engine, 10).length, 1);
      engine.close();
    },
  },
  {
    name: 'neither a read, nor a commit, nor a close runs inside a read',
    async run(factory) {
      const engine = await openWithBlocks(factory);

      engine.read(() => {
        assertThrows(() => engine.read(() => 1), 'INTERNAL_BUG');
        assertThrows(() => commitTexts(engine, { 10: 'ten' }), 'INTERNAL_BUG');
        assertThrows(() => engine.close(), 'INTERNAL_BUG');
      });

      assert.deepEqual(blocksForward(engine, 1), allBlocks);
      engine.close();
    },
  },
  {
    name: 'a snapshot is of no use after its read',
    async run(factory) {
      const engine = await openWithBlocks(factory);

      const late = engine.read((snapshot) => snapshot);

      assertThrows(() => late.block(1), 'INTERNAL_BUG');
      assertThrows(() => late.row('meta', bytesOf('key')), 'INTERNAL_BUG');
      assertThrows(() => late.walkForward(1, () => true), 'INTERNAL_BUG');
      assertThrows(() => late.walkBackward(1, () => true), 'INTERNAL_BUG');
      assertThrows(() => late.walkRows('meta', {}, () => true), 'INTERNAL_BUG');
      engine.close();
    },
  },
  {
    name: 'reading leaves nothing behind: rows that are overwritten do not make the store grow without bound',
    async run(factory) {
      const place = await factory();
      const writer = await place.open();
      const reader = await place.open({ readOnly: true });
      const overwrite = (count: number): void => {
        for (let at = 0; at < count; at += 1) {
          commitTexts(writer, {}, [['streams', `row-${at % 10}`, 'x'.repeat(1000)]]);
          if (at % 10 === 0) {
            rowsOf(reader, 'streams');
            rowsOf(writer, 'streams', { reverse: true });
            writer.transactionId();
            reader.transactionId();
            reader.usage();
            writer.usage();
          }
        }
      };
      overwrite(100);
      const before = writer.sizeBytes();
      overwrite(200);

      assert.ok(writer.sizeBytes() <= before + 64 * 1024, `${before} grew to ${writer.sizeBytes()}`);
      reader.close();
      writer.close();
    },
  },
  {
    name: 'what a store takes up grows with what is written, and what is removed can be used again',
    async run(factory) {
      const place = await factory();
      const writer = await place.open();
      const reader = await place.open({ readOnly: true });
      const empty = writer.usage();
      const keys = Array.from({ length: 100 }, (_, at) => `row-${at}`);
      commitTexts(
        writer,
        { 1: 'b'.repeat(100_000) },
        keys.map((key) => ['streams', key, 'x'.repeat(1000)] as const),
      );
      const full = reader.usage();
      commitTexts(
        writer,
        {},
        keys.map((key) => ['streams', key, undefined] as const),
      );
      const removed = reader.usage();

      assert.ok(full.usedBytes - empty.usedBytes >= 200_000, `${empty.usedBytes} grew to ${full.usedBytes}`);
      assert.ok(full.usedBytes - empty.usedBytes <= 300_000, `${empty.usedBytes} grew to ${full.usedBytes}`);
      assert.ok(full.usedBytes - removed.usedBytes >= 100_000, `${full.usedBytes} shrank to ${removed.usedBytes}`);
      assert.ok(removed.usedBytes - empty.usedBytes >= 100_000, 'the block stays');
      assert.deepEqual(reader.usage(), writer.usage());
      assert.equal(reader.usage().fileBytes, reader.sizeBytes());
      assert.ok(removed.readers <= removed.readersMax);
      reader.close();
      writer.close();
    },
  },
  {
    name: 'a large value is read as it was written, alone and in a walk',
    async run(factory) {
      const engine = await (await factory()).open();
      const large = new Uint8Array(14 * 2 ** 20);
      for (let at = 0; at < large.length; at += 997) large[at] = at % 251;
      engine.commit({
        blocks: [
          { firstPosition: 1, bytes: large },
          { firstPosition: 2, bytes: bytesOf('small') },
        ],
        rows: [{ table: 'meta', key: bytesOf('large'), value: large }],
      });

      const isLarge = (bytes: Uint8Array | undefined): boolean =>
        bytes !== undefined && Buffer.compare(bytes, large) === 0;
      engine.read((snapshot: Snapshot) => {
        assert.ok(isLarge(snapshot.block(1)));
        assert.ok(isLarge(snapshot.row('meta', bytesOf('large'))));
        snapshot.walkForward(1, (position, bytes) => {
          assert.ok(position === 1 ? isLarge(bytes) : textOf(bytes) === 'small');
          return true;
        });
      });
      engine.close();
    },
  },
  {
    name: 'what was committed is there after closing and opening again, and more can be committed',
    async run(factory) {
      const place = await factory();
      const first = await place.open();
      commitTexts(first, { 1: 'one' }, [['streams', 'a', '1']]);
      first.close();
      const second = await place.open();
      const found = blocksForward(second, 1);
      commitTexts(second, { 2: 'two' });
      second.close();
      const third = await place.open({ readOnly: true });

      assert.deepEqual(found, [[1, 'one']]);
      assert.deepEqual(blocksForward(third, 2), [[2, 'two']]);
      assert.deepEqual(rowsOf(third, 'streams'), ['a=1']);
      third.close();
    },
  },
  {
    name: 'a closed engine refuses everything but another close',
    async run(factory) {
      const engine = await openWithBlocks(factory);
      engine.close();
      engine.close();

      assertThrows(() => engine.read(() => 1), 'STORE_CLOSED');
      assertThrows(() => commitTexts(engine, { 10: 'ten' }), 'STORE_CLOSED');
      assertThrows(() => engine.transactionId(), 'STORE_CLOSED');
      assertThrows(() => engine.sizeBytes(), 'STORE_CLOSED');
      assertThrows(() => engine.usage(), 'STORE_CLOSED');
    },
  },
  {
    name: 'a second writer is refused while one is open, and let in after it closed',
    async run(factory) {
      const place = await factory();
      const first = await place.open();

      await assert.rejects(place.open(), { code: 'STORE_LOCKED' });
      commitTexts(first, { 1: 'one' });
      first.close();
      const second = await place.open();

      assert.deepEqual(blocksForward(second, 1), [[1, 'one']]);
      second.close();
    },
  },
  {
    name: 'a read-only engine needs a store, takes no commit and says so',
    async run(factory) {
      const place = await factory();
      await assert.rejects(place.open({ readOnly: true }), { code: 'STORE_NOT_FOUND' });
      (await place.open()).close();
      const reader = await place.open({ readOnly: true });

      assertThrows(() => commitTexts(reader, { 1: 'one' }), 'STORE_READ_ONLY');
      assert.equal(reader.capabilities.readOnly, true);
      assert.ok(reader.sizeBytes() >= 0);
      reader.close();
    },
  },
];
