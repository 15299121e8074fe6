/** The files that a browser gets: small, and all that is needed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('./assets', import.meta.resolve('#dashboard')));
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => ({ name, bytes: readFileSync(join(parentPath, name)) }));

test('all files of the page together are smaller than 150 KB, compressed', () => {
  const compressed = files.reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0);

  expect(compressed).toBeGreaterThan(10_000);
  expect(compressed).toBeLessThan(150_000);
});

test('no file of the page names another host', () => {
  // Names of formats, which nobody asks for.
  const namespaces = /^http:\/\/www\.w3\.org\/(1999\/xlink|1999\/xhtml|2000\/svg|1998\/Math\/MathML)/;

  const addresses = files.flatMap(
    ({ bytes }) => bytes.toString().match(/(?:https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}[^\s"'`)]*/gi) ?? [],
  );

  expect(addresses.filter((address) => !namespaces.test(address))).toEqual([]);
});

test('the page has no script and no style of its own between its tags', () => {
  const page = files.find(({ name }) => name === 'index.html')?.bytes.toString() ?? '';

  expect(page).toMatch(/<script [^>]*src=/);
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=/);
});
