/**
 * The page and its files, as answers.
 */
import type { ServerResponse } from 'node:http';
import { send } from './answer.ts';
import { assets } from './assets.ts';
import type { Entry } from './guard.ts';
import type { Target } from './mount.ts';
import { notFound } from './refusal.ts';

/** What the page shows: the first part of a path. */
const routes: ReadonlySet<string> = new Set([
  '',
  'processors',
  'streams',
  'events',
  'tail',
  'dead-letters',
  'projections',
  'actors',
  'machines',
]);

/**
 * The page is the same for everybody, and holds nothing but its title; what it shows it asks for. So one who is not known (a
 * link from elsewhere comes without the cookie) gets it too, with status 401, and it finds out by itself.
 * @throws {Refusal}
 */
export function sendPage(response: ServerResponse, { base, parts }: Target, title: string, entry: Entry): void {
  const [first = '', ...rest] = parts;
  if (!routes.has(first) || (first === '' && rest.length > 0)) throw notFound('this path');
  const page = assets().page(`${base}/`, title);
  send(response, entry === 'none' ? 401 : 200, 'text/html; charset=utf-8', page);
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
