/**
 * The body of an order: JSON, bounded in size and time. Takes also what a framework has parsed already.
 */
import type { IncomingMessage } from 'node:http';
import { isUint8Array } from 'node:util/types';
import { dashboardBodyBytesMax, dashboardBodyMaxMs } from '../limits.ts';
import { badRequest, Refusal } from './refusal.ts';

/** @throws {Refusal} for one that is too large, too slow, or is no JSON object */
export async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const { body: parsed } = request as IncomingMessage & { readonly body?: unknown };
  const body = parsed === undefined ? await readBody(request) : parsed;
  const value = typeof body === 'string' || isUint8Array(body) ? jsonOf(body) : body;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('the body of an order is a JSON object');
  }
  return value as Record<string, unknown>;
}

function jsonOf(body: string | Uint8Array): unknown {
  if (body.length > dashboardBodyBytesMax) throw tooLarge();
  try {
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw badRequest('the body of an order is JSON');
  }
}

function readBody(request: IncomingMessage): Promise<Uint8Array> {
  if (request.readableEnded) {
    throw badRequest(
      'somebody before the dashboard has read the body of this request, and put nothing into request.body',
    );
  }
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const end = (settle: () => void) => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      settle();
    };
    const onData = (chunk: Uint8Array | string) => {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      bytes += piece.length;
      chunks.push(piece);
      if (bytes > dashboardBodyBytesMax) end(() => reject(tooLarge()));
    };
    const onEnd = () => end(() => resolve(Buffer.concat(chunks)));
    const onClose = () => end(() => reject(badRequest('the body of the order ended before its end')));
    const onLate = () =>
      end(() => reject(new Refusal(408, 'TOO_SLOW', 'the body of the order took too long', lastOne)));
    const timer = setTimeout(onLate, dashboardBodyMaxMs).unref();
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/** What is left of the body is not waited for. */
const lastOne = { connection: 'close' };

function tooLarge(): Refusal {
  const message = `the body of an order has at most ${dashboardBodyBytesMax} bytes`;
  return new Refusal(413, 'TOO_LARGE', message, lastOne);
}
