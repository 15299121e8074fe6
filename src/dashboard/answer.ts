/**
 * What is sent back: headers that are the same for everything, and the forms of an answer.
 *
 * Nothing that comes from data is ever sent as HTML.
 */
import type { ServerResponse } from 'node:http';
import type { Refusal } from './refusal.ts';
import type { Failure } from './wire.ts';

/** No inline script or style, nothing from elsewhere, in nobody's frame. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

const headersOfAll: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Sets what every answer carries; a framework may have set more. */
export function begin(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries({ ...headersOfAll, ...headers })) response.setHeader(name, value);
}

export function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 200, 'application/json; charset=utf-8', JSON.stringify(value));
}

export function sendRefusal(response: ServerResponse, { status, code, message, headers }: Refusal): void {
  const failure: Failure = { error: { code, message } };
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(failure), headers);
}

export function sendRedirect(response: ServerResponse, location: string, cookie: string): void {
  send(response, 303, 'text/plain; charset=utf-8', 'see the page\n', { location, 'set-cookie': cookie });
}

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  begin(response, status, { 'content-type': type, 'content-length': String(Buffer.byteLength(body)), ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
