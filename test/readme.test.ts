import { expect, test } from 'vitest';
import { errorTable, readText, rendered } from '../scripts/readme.ts';

test.each(Object.entries(rendered))('%s shows its copies as they are (else: npm run readme)', (path, render) => {
  expect(readText(path)).toBe(render());
});

test('the README stays short enough to read', () => {
  const lines = readText('README.md').split('\n');

  expect(lines.length).toBeLessThanOrEqual(250);
});

test('the error table has one row for each code, with its comment', () => {
  const table = errorTable(`
    /** What each code carries. */
    export interface ErrorDetails {
      /** One | two. */
      FIRST_CODE: { readonly stream: string };
      /**
       * Over
       * lines.
       */
      SECOND: object;
    }`);

  expect(table.split('\n').slice(2)).toEqual(['| `FIRST_CODE` | One \\| two. |', '| `SECOND` | Over lines. |']);
});
