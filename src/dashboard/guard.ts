/**
 * Who gets in: what a request's headers and peer tell of where it comes from, checked before anything else is looked at.
 *
 * Against pages of other origins, whose requests carry the cookie (all ports of a machine are one site to browsers): Host,
 * Origin and Sec-Fetch-Site. Against names of others that point here: Host. Against other machines: the peer's address, unless
 * the app brings an `auth` of its own. No CORS header is ever sent, so no answer can be read by others.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { dashboardAuthMaxMs, dashboardUrlCharactersMax } from '../limits.ts';
import { isThenable } from '../thenable.ts';
import { isLoopbackHost, type ResolvedDashboardOptions } from './options.ts';
import { Refusal } from './refusal.ts';

/** `'none'`: somebody who has yet to log in. */
export type Entry = LetIn | 'none';
export type LetIn = 'write' | 'read';

/** What of the options it goes by. */
export type GuardOptions = Pick<ResolvedDashboardOptions, 'auth' | 'hosts'>;

/** @throws {Refusal} when it was not made for us, by whomever. */
export function checkOrigins(request: IncomingMessage, { auth, hosts }: GuardOptions): void {
  const { url = '', headers } = request;
  if (url.length > dashboardUrlCharactersMax) {
    throw new Refusal(414, 'URI_TOO_LONG', `a URL here has at most ${dashboardUrlCharactersMax} characters`);
  }
  const host = onlyHost(request);
  const name = nameOf(host);
  const isOwn = auth === undefined ? isLoopbackHost(name) : isLoopbackHost(name) || isAddress(name);
  if (!isOwn && !hosts.has(name)) {
    const advice = 'if it is a name of yours, put it into the option `hosts`';
    throw new Refusal(403, 'FOREIGN_HOST', `the header Host names ${JSON.stringify(name)}: ${advice}`);
  }
  if (auth === undefined && !isLoopbackPeer(request.socket.remoteAddress)) {
    throw new Refusal(403, 'FOREIGN_PEER', 'without the option `auth` only this machine gets in');
  }
  const { origin } = headers;
  if (origin !== undefined && !isOriginOf(origin, host)) {
    throw new Refusal(403, 'FOREIGN_ORIGIN', 'a page of another origin asked for this');
  }
}

/** @throws {Refusal} when a page of another origin asked, or a frame on one, as far as the browser tells. */
export function checkFetchSite(request: IncomingMessage): void {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new Refusal(403, 'FOREIGN_ORIGIN', 'a page of another origin asked for this');
  }
}

/** @throws {Refusal} unless it is an order that only our own page, or a program, can make. */
export function checkOrder(request: IncomingMessage): void {
  const { headers } = request;
  if (headers['x-varvebus'] !== '1') {
    throw new Refusal(403, 'HEADER_MISSING', 'an order needs the header x-varvebus: 1');
  }
  if (headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    throw new Refusal(415, 'NOT_JSON', 'an order needs the header content-type: application/json');
  }
}

/** What the app's own `auth` says. @throws what it throws; {Error} when it does not answer in time */
export async function askAuth(request: IncomingMessage, auth: NonNullable<GuardOptions['auth']>): Promise<Entry> {
  const answer = auth(request);
  const access: unknown = isThenable(answer) ? await inTime(answer) : answer;
  // Nothing else lets in: an object that somebody forgot to look into is not a yes.
  if (access === true) return 'write';
  return access === 'read' ? 'read' : 'none';
}

async function inTime(answer: PromiseLike<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`auth did not answer within ${dashboardAuthMaxMs} ms: nobody is let in`));
    // What is answered to keeps the process alive, if anything does.
    timer = setTimeout(fail, dashboardAuthMaxMs).unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The header Host, or what HTTP/2 has for it. */
function onlyHost(request: IncomingMessage): string {
  // As they came: `headers` keeps the first of two, and requests of HTTP/2 have no `headersDistinct`.
  const { rawHeaders } = request;
  const given = rawHeaders.filter((_, index) => index % 2 === 1 && isHostName(rawHeaders[index - 1]));
  const [host] = given;
  if (given.length !== 1 || host === undefined || !/^[\w.\-:[\]]+$/.test(host)) {
    throw new Refusal(400, 'BAD_HOST', 'a request needs one header Host');
  }
  return host.toLowerCase();
}

function isHostName(name: string | undefined): boolean {
  return name !== undefined && ['host', ':authority'].includes(name.toLowerCase());
}

/** Without the port, and the dot that may end a name. */
function nameOf(host: string): string {
  return host.replace(/:\d*$/, '').replace(/\.$/, '');
}

/** Names can be made to point anywhere, addresses can't. */
function isAddress(name: string): boolean {
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}

function isLoopbackPeer(address: string | undefined): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address ?? '');
}

/** Whatever the scheme: a proxy may speak another one than we do. */
function isOriginOf(origin: string, host: string): boolean {
  const url = URL.parse(origin);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.host === hostAsIn(url, host);
}

/** Without a port that is the one of the scheme anyway. */
function hostAsIn(url: URL, host: string): string | undefined {
  return URL.parse(`${url.protocol}//${host}`)?.host;
}
