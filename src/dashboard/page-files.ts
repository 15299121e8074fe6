/**
 * The page and its files, as answers.
 */
import type { ServerResponse } from 'node:http';
import { send } from './answer.ts';
import { assets } from './assets.ts';
import type { Entry } from './guard.ts';
import type { Target } from './mount.ts';
import { notFound } from './refusal.ts';

/** What the page shows: the first part of a path, and how many parts it has at most. As in page/routes.ts. */
const partsMax: Readonly<Record<string, number>> = {
  processors: 2,
  streams: 2,
  events: 2,
  tail: 1,
  'dead-letters': 1,
  projections: 2,
  actors: 1,
  machines: 2,
};

export interface PageAsked {
  readonly target: Target;
  readonly title: string;
  readonly entry: Entry;
  /** What the request accepts. */
  readonly accept: string | undefined;
}

/**
 * The page is the same for everybody, and holds nothing but its title; what it shows it asks for. So one who is not known (a
 * link from elsewhere comes without the cookie) gets it too, with status 401, and it finds out by itself. A browser gets it also
 * for an address that names nothing, with status 404: it says so, and what there is.
 * @throws {Refusal}
 */
export function sendPage(response: ServerResponse, { target, title, entry, accept }: PageAsked): void {
  const isThere = isPlace(target.parts);
  if (!isThere && !isOfBrowser(accept)) throw notFound('this path');
  const status = entry === 'none' ? 401 : isThere ? 200 : 404;
  send(response, status, 'text/html; charset=utf-8', assets().page(`${target.base}/`, title));
}

/** Whether a request that accepts this is made by somebody who looks at the answer, and by no program. */
export function isOfBrowser(accept: string | undefined): boolean {
  return accept?.includes('text/html') === true;
}

function isPlace(parts: readonly string[]): boolean {
  const [first, ...rest] = parts.filter((part) => part !== '');
  if (first === undefined) return true;
  return Object.hasOwn(partsMax, first) && rest.length < (partsMax[first] as number);
}

/** @throws {Refusal} */
export function sendAsset(response: ServerResponse, path: string, accepted: string | string[] | undefined): void {
  const asset = assets().byPath.get(path);
  if (asset === undefined) throw notFound('this file');
  const isGzipped = String(accepted ?? '').includes('gzip');
  send(response, 200, asset.type, isGzipped ? asset.gzipped : asset.bytes, {
    'cache-control': asset.isForEver ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    ...(isGzipped && { 'content-encoding': 'gzip' }),
  });
}
