/**
 * Which folder may import which, and which third-party package belongs to whom, checked on source text.
 *
 * Sees every way a module names another one: static imports, `export … from`, `import()`, `import type`, and
 * `new URL('./x', import.meta.url)`, by which a worker file is started. Does not follow what a package imports.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';

/** Source text by path, relative to the root of the repository, with forward slashes. */
export type Sources = ReadonlyMap<string, string>;

type Layer = 'ground' | 'codec' | 'crypto' | 'storage' | 'log' | 'actors' | 'edge';

/** A layer may import itself and what is listed. 'ground' is the files right under src/, except the entry. */
const importsByLayer: Record<Layer, readonly Layer[]> = {
  ground: [],
  codec: ['ground'],
  crypto: ['ground'],
  storage: ['ground', 'codec', 'crypto'],
  log: ['ground', 'codec', 'crypto', 'storage'],
  actors: ['ground', 'codec', 'crypto', 'storage', 'log'],
  edge: ['ground', 'codec', 'crypto', 'storage', 'log', 'actors'],
};

const layerByPrefix: readonly (readonly [prefix: string, layer: Layer])[] = [
  ['src/index.ts', 'edge'],
  ['src/cli/', 'edge'],
  ['src/dashboard/', 'edge'],
  ['src/testing/', 'edge'],
  ['src/codec/', 'codec'],
  ['src/crypto/', 'crypto'],
  ['src/storage/', 'storage'],
  ['src/log/', 'log'],
  ['actors/', 'actors'],
];

/** Where a third-party package may be imported. One that is not listed may be imported nowhere. */
const ownersByPackage: Readonly<Record<string, readonly string[]>> = {
  lmdb: ['src/storage/'],
  'fs-native-extensions': ['src/storage/'],
  msgpackr: ['src/codec/'],
  piscina: ['actors/reader-pool.ts'],
  xstate: ['actors/', 'src/dashboard/'],
  rxjs: ['actors/', 'src/index.ts', 'src/dashboard/'],
  elkjs: ['src/dashboard/chart/'],
  preact: ['src/dashboard/page/'],
  '@preact/signals': ['src/dashboard/page/'],
  '@tanstack/virtual-core': ['src/dashboard/page/'],
  vite: ['src/dashboard/page/vite.config.ts'],
  '@standard-schema/spec': ['src/log/schemas.ts'],
};

/** One sentence for each import that goes the wrong way; empty when all is well. */
export function wrongArrows(sources: Sources): string[] {
  const complaints: string[] = [];
  for (const [path, text] of sources) {
    for (const specifier of importedSpecifiers(text)) {
      const complaint = specifier.startsWith('.') ? wrongFile(path, specifier) : wrongPackage(path, specifier);
      if (complaint !== undefined) complaints.push(`${path} imports ${specifier}: ${complaint}`);
    }
    if (layerOf(path) === undefined) complaints.push(`${path}: no layer is declared for this folder`);
  }
  return complaints;
}

/** The TypeScript files under src/ and actors/ of the repository at `root`. */
export function readSources(root: URL): Sources {
  const sources = new Map<string, string>();
  for (const folder of ['src', 'actors']) {
    for (const entry of readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })) {
      const path = posix.join(folder, entry.replaceAll('\\', '/'));
      if (/\.tsx?$/.test(path)) sources.set(path, readFileSync(new URL(path, root), 'utf8'));
    }
  }
  return sources;
}

/** TypeScript's own scanner finds the imports, so comments and strings that look like one do not count. */
function importedSpecifiers(text: string): string[] {
  const imported = ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
  const started = [...text.matchAll(/new URL\(\s*['"`](\.{1,2}\/[^'"`$]*)/g)].map((match) => match[1] ?? '');
  return [...imported, ...started];
}

function wrongFile(path: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  const from = layerOf(path);
  const to = layerOf(target);
  if (to === undefined) return `${target} is in no layer (outside src/ and actors/, or a folder that is not declared)`;
  if (from === undefined || from === to || importsByLayer[from].includes(to)) return undefined;
  return `${from} may not import ${to}`;
}

function wrongPackage(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  if (specifier.startsWith('#')) return 'private specifiers are for tests, examples and benches';
  const packageName = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const owners = Object.hasOwn(ownersByPackage, packageName) ? ownersByPackage[packageName] : undefined;
  if (owners === undefined) return `no folder owns the package ${packageName}`;
  return owners.some((owner) => path.startsWith(owner)) ? undefined : `only ${owners.join(' and ')} may import it`;
}

function layerOf(path: string): Layer | undefined {
  const declared = layerByPrefix.find(([prefix]) => path.startsWith(prefix));
  if (declared !== undefined) return declared[1];
  return /^src\/[^/]+$/.test(path) ? 'ground' : undefined;
}
