import fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginning, quoted, shown, shownLines } from '../../../src/dashboard/page/parts/plain-text.ts';

/** Any text, whole characters or not. */
const codeUnits = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));

test.each([
  ['a mark that turns the direction', 'a\u202egpj.exe', 'a\\u202egpj.exe'],
  ['an isolate', '\u2066x\u2069', '\\u2066x\\u2069'],
  ['a blank without width', 'a\u200bb', 'a\\u200bb'],
  ['a null', 'a\0b', 'a\\u0000b'],
  ['a line break', 'a\r\nb', 'a\\r\\nb'],
  ['half a surrogate', '\ud83d', '\\ud83d'],
  ['the other half', 'x\ude80y', 'x\\ude80y'],
])('%s is spelled out', (_, text, expected) => {
  expect(shown(text)).toBe(expected);
});

test('letters of any script, emoji and markup stay as they are', () => {
  const text = 'größe 日本語 שלום 🚀 👩‍👩‍👧 <b onclick="x">&amp;</b>';

  expect(shown(text)).toBe(text);
});

test('lines and tabs of a longer text stay', () => {
  expect(shownLines('a\n\tb\u202e')).toBe('a\n\tb\\u202e');
});

test('what is quoted is JSON of the same string', () => {
  fc.assert(
    fc.property(codeUnits, (text) => {
      expect(JSON.parse(quoted(text))).toBe(text);
    }),
  );
});

test('a beginning never ends with half a character', () => {
  expect(beginning('ab🚀', 3)).toBe('ab');
  expect(beginning('ab🚀', 4)).toBe('ab🚀');
  expect(beginning('abc', 3)).toBe('abc');
});
