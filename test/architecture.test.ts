import { expect, test } from 'vitest';
import { readSources, wrongArrows } from './kit/import-arrows.ts';

/** What the checker says about `text` standing at `path`, alone. */
function complaintsAbout(path: string, text: string): string[] {
  return wrongArrows(new Map([[path, text]]));
}

test('no file in src/ or actors/ imports against the direction of the layers', () => {
  const sources = readSources(new URL('../', import.meta.url));

  const complaints = wrongArrows(sources);

  expect(sources.size).toBeGreaterThan(0);
  expect(complaints).toEqual([]);
});

test.each([
  ['a lower layer imports a higher one', 'src/codec/block.ts', "import { open } from '../storage/engine.ts';"],
  ['codec imports crypto', 'src/codec/block.ts', "import { seal } from '../crypto/seal.ts';"],
  ['crypto imports codec', 'src/crypto/seal.ts', "import { encode } from '../codec/block.ts';"],
  ['storage imports the log', 'src/storage/lmdb.ts', "import { append } from '../log/append.ts';"],
  ['a ground file imports a layer', 'src/errors.ts', "import { encode } from './codec/block.ts';"],
  ['the kernel imports an actor', 'src/log/append.ts', "import { writer } from '../../actors/writer.ts';"],
  ['the kernel imports the entry', 'src/log/append.ts', "import { openBus } from '../index.ts';"],
  ['an actor imports the entry', 'actors/bus.ts', "import { openBus } from '../src/index.ts';"],
  ['only a type crosses', 'src/codec/block.ts', "import type { Engine } from '../storage/engine.ts';"],
  ['a re-export crosses', 'src/codec/block.ts', "export { open } from '../storage/engine.ts';"],
  ['a star re-export crosses', 'src/codec/block.ts', "export * from '../storage/engine.ts';"],
  ['a side-effect import crosses', 'src/codec/block.ts', "import '../storage/engine.ts';"],
  ['a dynamic import crosses', 'src/log/append.ts', "const w = await import('../../actors/writer.ts');"],
  ['an import type crosses', 'src/codec/block.ts', "type E = import('../storage/engine.ts').Engine;"],
  ['a worker is started', 'src/log/read.ts', "new URL('../../actors/reader.worker.js', import.meta.url);"],
  ['a worker is started by a template', 'src/log/read.ts', `new URL(\`../../actors/reader\${ext}\`, import.meta.url);`],
  ['a file outside the layers is imported', 'src/cli/main.ts', "import p from '../../package.json';"],
  ['a test is imported', 'src/log/read.ts', "import { tempStore } from '../../test/kit/temp-store.ts';"],
  ['lmdb is imported outside storage', 'src/log/append.ts', "import { open } from 'lmdb';"],
  ['fs-native-extensions is imported outside storage', 'actors/bus.ts', "import x from 'fs-native-extensions';"],
  ['msgpackr is imported outside codec', 'src/storage/lmdb.ts', "import { Packr } from 'msgpackr';"],
  ['a subpath of msgpackr is imported outside codec', 'src/log/read.ts', "import { Packr } from 'msgpackr/pack';"],
  ['rxjs is imported by the kernel', 'src/log/head.ts', "import { map } from 'rxjs/operators';"],
  ['a package without an owner is imported', 'actors/bus.ts', "import { z } from 'zod';"],
  ['a scoped package without an owner is imported', 'src/index.ts', "import type { X } from '@some/where/deep';"],
  ['a private specifier is imported', 'actors/bus.ts', "import { append } from '#kernel/log/append';"],
  ['a builtin is imported without node:', 'src/log/append.ts', "import { join } from 'path';"],
])('the checker complains when %s', (_, path, text) => {
  const complaints = complaintsAbout(path, text);

  expect(complaints).toHaveLength(1);
});

test('the checker complains about a folder without a layer', () => {
  const complaints = complaintsAbout('src/misc/thing.ts', 'export const thing = 1;');

  expect(complaints).toEqual(['src/misc/thing.ts: no layer is declared for this folder']);
});

test.each([
  ['storage imports codec and lmdb', 'src/storage/lmdb.ts', "import 'lmdb'; import { e } from '../codec/block.ts';"],
  ['an actor imports the log', 'actors/writer.ts', "import { append } from '../src/log/append.ts';"],
  ['the entry imports an actor and rxjs', 'src/index.ts', "import 'rxjs'; import { b } from '../actors/bus.ts';"],
  ['any layer imports a ground file', 'src/codec/block.ts', "import { assert } from '../assert.ts';"],
  ['a comment names an import', 'src/codec/block.ts', "// import { open } from 'lmdb';\nexport const one = 1;"],
  ['a string names an import', 'src/codec/block.ts', 'export const hint = "import { open } from \'lmdb\';";'],
  ['an actor starts the worker next to it', 'actors/readers.ts', "new URL('./reader.worker.ts', import.meta.url);"],
  ['a builtin is imported', 'src/codec/block.ts', "import { crc32 } from 'node:zlib';"],
])('the checker accepts that %s', (_, path, text) => {
  const complaints = complaintsAbout(path, text);

  expect(complaints).toEqual([]);
});
