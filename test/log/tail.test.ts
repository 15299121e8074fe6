import { expect, test } from 'vitest';
import { Tail, tailEntries } from '#kernel/log/tail';

const key = { eventCount: 1, timeMs: 1, hash: new Uint8Array(32) };

/** Positions 1 to 6, two to a block; stream `a` has the odd ones, `b` the even ones from 4 on. */
function tailOfSix(): Tail {
  const tail = new Tail(0);
  for (let position = 1; position <= 6; position++) {
    const isOfA = position % 2 === 1 || position === 2;
    const version = isOfA ? [1, 2, 3, 0, 4][position - 1] : position / 2 - 1;
    tail.addEvent(isOfA ? 'a' : 'b', version as number, position, position - ((position - 1) % 2));
    if (position % 2 === 0) tail.addBlock(1000 + position);
  }
  tail.addKey('early', { ...key, firstPosition: 2 });
  tail.addKey('late', { ...key, firstPosition: 5 });
  return tail;
}

test('a tail knows heads, versions and places of its streams', () => {
  const tail = tailOfSix();

  expect(tail.headOf('a')).toEqual({ version: 4, lastPosition: 5 });
  expect(tail.versionOf('b')).toBe(2);
  expect([tail.headOf('c'), tail.versionOf('c')]).toEqual([undefined, undefined]);
  expect(tailEntries(tail.streams.get('a')!, 2, 3)).toEqual([
    { position: 2, block: 1 },
    { position: 3, block: 3 },
  ]);
  expect([tail.head, tail.eventCount, tail.blockCount, tail.lastTimeMs]).toEqual([6, 6, 3, 1006]);
});

test('a tail whose beginning went into the index keeps the rest', () => {
  const tail = tailOfSix();

  tail.dropThrough(4);

  expect([tail.indexedPosition, tail.head, tail.eventCount]).toEqual([4, 6, 2]);
  expect(tail.headOf('a')).toEqual({ version: 4, lastPosition: 5 });
  expect(tailEntries(tail.streams.get('a')!, 1, 9)).toEqual([{ position: 5, block: 5 }]);
  expect(tail.streams.get('a')!.firstVersion).toBe(4);
  expect(tail.headOf('b')).toEqual({ version: 2, lastPosition: 6 });
  expect([...tail.keys.keys()]).toEqual(['late']);
});

test('a tail forgets the streams that went into the index whole', () => {
  const tail = tailOfSix();

  tail.dropThrough(5);

  expect([...tail.streams.keys()]).toEqual(['b']);
  expect([...tail.keys.keys()]).toEqual([]);
});

test('a tail that went into the index whole is empty and goes on behind it', () => {
  const tail = tailOfSix();

  tail.dropThrough(10);
  tail.addEvent('b', 5, 11, 11);

  expect([tail.indexedPosition, tail.head, tail.eventCount, tail.blockCount]).toEqual([10, 11, 1, 0]);
  expect(tail.headOf('b')).toEqual({ version: 5, lastPosition: 11 });
  expect(tail.headOf('a')).toBeUndefined();
  expect(tail.lastTimeMs).toBe(1006);
});
