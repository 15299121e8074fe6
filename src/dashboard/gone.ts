/**
 * Whether one who was answered has gone, of HTTP/1 and HTTP/2 alike.
 */
import type { ServerResponse } from 'node:http';

/** Whether nobody takes any more of `response`. */
export function isGone(response: ServerResponse): boolean {
  // A response of HTTP/2 has no `destroyed`, its stream has.
  const { destroyed, stream } = response as ServerResponse & { readonly stream?: { readonly destroyed: boolean } };
  return destroyed || stream?.destroyed === true;
}

/** Calls `then` when whoever is answered has gone: at once for one who has. */
export function onceGone(response: ServerResponse, then: () => void): void {
  // It has told already, and does so once.
  if (isGone(response)) then();
  else response.once('close', then);
}
