import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressOf, type Place, placeOf, queryText } from '../../../src/dashboard/page/routes.ts';

const name = fc.oneof(
  fc.string({ minLength: 1, unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.constantFrom('.', '..', '!', '!..', '%2e', '...'),
);
const place: fc.Arbitrary<Place> = fc.oneof(
  fc.constantFrom<Place>({ page: 'overview' }, { page: 'streams' }, { page: 'tail' }, { page: 'dead-letters' }),
  fc.constantFrom<Place>({ page: 'projections' }, { page: 'actors' }, { page: 'machines' }, { page: 'login' }),
  name.map((text): Place => ({ page: 'processor', name: text })),
  name.map((text): Place => ({ page: 'stream', name: text })),
  name.map((text): Place => ({ page: 'projection', name: text })),
  name.map((text): Place => ({ page: 'machine', id: text })),
  fc.nat().map((position): Place => ({ page: 'event', position: String(position) })),
);

/** What a browser makes of an address below `base`, without the base. */
function pathBelow(base: string, address: string): string {
  const url = new URL(address, base);
  expect(url.href.startsWith(base)).toBe(true);
  return url.pathname.slice(new URL(base).pathname.length);
}

test('every place is found again by its address, under any base, whatever its name is made of', () => {
  fc.assert(
    fc.property(place, fc.constantFrom('http://a/', 'http://a/admin/bus/'), (there, base) => {
      expect(placeOf(pathBelow(base, addressOf(there)))).toEqual(there);
    }),
  );
});

test('a place with a query is found by its path alone', () => {
  const address = addressOf({ page: 'dead-letters' }, { processor: 'a&b=c', state: undefined, stream: '' });

  expect(address).toBe('dead-letters?processor=a%26b%3Dc');
  expect(placeOf(address.split('?')[0] as string)).toEqual({ page: 'dead-letters' });
});

describe('an address that nobody made', () => {
  test.each(['nowhere', 'tail/7', 'streams/a/b', 'streams/%', '%', 'processors/x/y', 'toString'])(
    '%s names no page',
    (path) => {
      expect(placeOf(path)).toEqual({ page: 'unknown' });
    },
  );

  test('the list above a name is a page: processors are listed on the overview, events on the tail', () => {
    expect(placeOf('processors')).toEqual({ page: 'overview' });
    expect(placeOf('events/')).toEqual({ page: 'tail' });
    expect(placeOf('')).toEqual({ page: 'overview' });
  });
});

test('a query leaves out what is not chosen, and keeps 0', () => {
  expect(queryText({ a: '', b: undefined, c: 0, d: 'x y' })).toBe('c=0&d=x+y');
});
