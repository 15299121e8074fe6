/**
 * Where a dashboard is mounted, and what a request asks of it below that.
 */
import type { IncomingMessage } from 'node:http';
import { isBasePath, withoutSlash } from './options.ts';
import { badRequest } from './refusal.ts';

export interface Target {
  /** What it is mounted under: `''`, or a path without a slash at its end. */
  readonly base: string;
  /** Parts of the path below that, decoded. */
  readonly parts: readonly string[];
  /** The same, as it was sent: `'assets/index-1a2b.js'`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** `undefined` for what is not below the base path. @throws {Refusal} for a path that is none */
export function targetOf(request: IncomingMessage, basePath: string): Target | undefined {
  // Express takes off the path that it has mounted us under, and tells it here.
  const { url = '', baseUrl } = request as IncomingMessage & { readonly baseUrl?: unknown };
  const mounted = typeof baseUrl === 'string' ? withoutSlash(baseUrl) : '';
  if (mounted !== '' && !isBasePath(mounted)) return undefined;
  const at = url.indexOf('?');
  const whole = at === -1 ? url : url.slice(0, at);
  const own = mounted === '' ? basePath : '';
  if (whole !== own && !whole.startsWith(`${own}/`)) return undefined;
  const path = whole.slice(own.length + 1);
  // Of no use to anybody but those who want to climb.
  if (/[\\\0#]/.test(path)) throw badRequest('this is no path');
  const query = new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
  return { base: mounted + own, parts: path.split('/').map(decoded), path, query };
}

function decoded(part: string): string {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw badRequest('this is no path');
  }
  if (text === '.' || text === '..' || text.includes('\0')) throw badRequest('this is no path');
  return text;
}
