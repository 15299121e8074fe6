import { expect, test } from 'vitest';
import { errorTable, readText, renderedReadme } from '../scripts/readme.ts';

test('the README shows the quickstart and the error codes as they are (else: npm run readme)', () => {
  const readme = readText('README.md');

  expect(readme).toBe(renderedReadme());
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
