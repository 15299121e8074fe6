import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventSplitter, merged, type Topic } from '../../../src/dashboard/page/frames.ts';
import type { Frame } from '../../../src/dashboard/wire.ts';

/** Follows one connection after another; `topics` is what the page knows. */
function follower() {
  const topics = new Map<string, Topic>();
  let seen = new Set<string>();
  return {
    topics,
    connect: () => {
      seen = new Set();
    },
    take: (set: Frame['set']) => {
      for (const [name, topic] of merged((known) => topics.get(known), { atMs: 1, set }, seen)) topics.set(name, topic);
    },
  };
}

describe('frames', () => {
  test('a later frame changes its keys, takes away those that are null and leaves the others the same objects', () => {
    const page = follower();
    page.take({ processors: { a: { lag: 1 }, b: { lag: 2 } } });
    const before = page.topics.get('processors')?.a;

    page.take({ processors: { b: null, c: { lag: 3 } } });

    expect(page.topics.get('processors')).toEqual(Object.assign(Object.create(null), { a: { lag: 1 }, c: { lag: 3 } }));
    expect(page.topics.get('processors')?.a).toBe(before);
  });

  test('the first frame of a new connection forgets what was known: it has all keys', () => {
    const page = follower();
    page.take({ processors: { gone: 1 }, store: { head: 1 } });
    page.connect();

    page.take({ processors: { here: 2 } });

    expect(Object.keys(page.topics.get('processors') ?? {})).toEqual(['here']);
    expect(page.topics.get('store')?.head).toBe(1);
  });

  test('a topic that begins later on the same connection begins empty, and others go on', () => {
    const page = follower();
    page.take({ store: { head: 1, state: 'open' } });

    page.take({ store: { head: 2 }, tail: { 1: 'x' } });

    expect({ ...page.topics.get('store') }).toEqual({ head: 2, state: 'open' });
    expect({ ...page.topics.get('tail') }).toEqual({ 1: 'x' });
  });

  test('a key named like a part of every object is a key like others', () => {
    const page = follower();
    page.take(JSON.parse('{"processors":{"__proto__":{"lag":1},"constructor":{"lag":2}}}'));
    page.take({ processors: { toString: { lag: 3 } } });

    const topic = page.topics.get('processors') as Topic;

    expect(Object.keys(topic)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(Object.values(topic)).toEqual([{ lag: 1 }, { lag: 2 }, { lag: 3 }]);
  });
});

describe('a stream of events', () => {
  test('is taken apart the same wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { maxLength: 6 }), fc.array(fc.nat(40)), (payloads, cuts) => {
        const text = `retry: 1000\n\n: hello\n\n${payloads.map((json) => `data: ${json}\n\n`).join(': beat\n\n')}`;
        const got: string[] = [];
        const take = eventSplitter((data) => got.push(data));
        let at = 0;
        for (const cut of cuts) {
          take(text.slice(at, at + cut));
          at += cut;
        }
        take(text.slice(at));

        expect(got).toEqual(payloads);
      }),
    );
  });

  test('has data of several lines as one', () => {
    const got: string[] = [];

    eventSplitter((data) => got.push(data))('event: x\ndata: a\ndata:b\n\n');

    expect(got).toEqual(['a\nb']);
  });
});
