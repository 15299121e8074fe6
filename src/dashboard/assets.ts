/**
 * The files of the page, as the build left them beside this module: read once, served from memory by exact name.
 *
 * No path is ever made of what a request says, so there is none to climb out of the folder with.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { BusError } from '../errors.ts';

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly gzipped: Uint8Array;
  /** Its name tells its content, so it never changes. */
  readonly isForEver: boolean;
}

export interface Assets {
  /** By path below the base path, with forward slashes. */
  readonly byPath: ReadonlyMap<string, Asset>;
  /** The page, where `base` (a path that ends with a slash) is what it is mounted under. */
  page(base: string, title: string): string;
}

const typeByEnd: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  json: 'application/json; charset=utf-8',
};

let read: Assets | undefined;

/** @throws {UNSUPPORTED} where the page was never built. */
export function assets(): Assets {
  read ??= readAssets(new URL('./assets/', import.meta.url));
  return read;
}

function readAssets(folder: URL): Assets {
  const byPath = new Map<string, Asset>();
  let page: string | undefined;
  for (const name of filesIn(folder)) {
    const bytes = readFileSync(new URL(name, folder));
    const type = typeByEnd[name.slice(name.lastIndexOf('.') + 1)];
    if (name === 'index.html') page = bytes.toString();
    // Charts are served by api/charts.
    else if (type !== undefined && !name.startsWith('charts/')) {
      byPath.set(name, { type, bytes, gzipped: gzipSync(bytes), isForEver: name.startsWith('assets/') });
    }
  }
  if (page === undefined) throw notBuilt();
  return { byPath, page: pageMaker(page) };
}

function filesIn(folder: URL): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const start = fileURLToPath(folder).length;
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}${sep}${entry.name}`.slice(start).replaceAll(sep, '/').replace(/^\//, ''));
  } catch {
    return [];
  }
}

/** Base paths and titles are the only texts that are ever put into HTML. */
function pageMaker(html: string): Assets['page'] {
  return (base, title) =>
    html
      .replace('<base href="/" />', () => `<base href="${escaped(base)}" />`)
      .replace('<title>varvebus</title>', () => `<title>${escaped(title)}</title>`);
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function notBuilt(): BusError {
  const message = 'the page of the dashboard is not built: run npm run page';
  return new BusError('UNSUPPORTED', message, { feature: 'dashboard' });
}
