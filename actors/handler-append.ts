/**
 * What a handler appends: with the trace of its cause, and once, however often the handler is called.
 */
import { createHash } from 'node:crypto';
import { idempotencyKeyBytesMax } from '../src/limits.ts';
import type { AppendResult, Metadata, StoredEvent } from '../src/types.ts';
import type { HandlerAppend } from './handler-context.ts';
import type { ProcessorStore } from './processor-store.ts';

/** The names of the trace in metadata: those of W3C Trace Context, and what event stores call correlation and causation. */
const carriedOn = ['correlationId', 'traceparent', 'tracestate'] as const;

/** Appends what follows from `append.cause`. The first append of this kind counts; later ones are its duplicates. */
export function appendOnce(
  store: Pick<ProcessorStore, 'appendFor'>,
  name: string,
  generation: number,
  { cause, ordinal, stream, events, metadata }: HandlerAppend,
): Promise<AppendResult> {
  const idempotencyKey = handlerKey(name, generation, cause.position, ordinal);
  return store.appendFor(stream, events, {
    idempotencyKey,
    isFirstWins: true,
    metadata: { ...traceOf(cause), ...metadata },
  });
}

/** `$processor`, generation, position, ordinal, and the name, or where that would be too long, its hash. */
function handlerKey(name: string, generation: number, position: number, ordinal: number): string {
  const place = `$processor/${generation}/${position}/${ordinal}/`;
  const key = `${place}${name}`;
  if (Buffer.byteLength(key) <= idempotencyKeyBytesMax) return key;
  return `${place}#${createHash('sha256').update(name).digest('hex')}`;
}

function traceOf({ id, metadata }: StoredEvent): Metadata {
  const trace: Record<string, unknown> = { correlationId: id };
  for (const name of carriedOn) if (metadata?.[name] !== undefined) trace[name] = metadata[name];
  return { ...trace, causationId: id };
}
