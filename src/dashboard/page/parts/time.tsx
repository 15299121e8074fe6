/** Moments and spans, which go on by themselves; the whole time is in the title. */
import { ago, clockTime, fullTime, lasting, span } from '../format.ts';
import { useNow } from '../now.ts';

/** `'12 s ago'`. */
export function Ago({ ms }: { readonly ms: number }) {
  const now = useNow();
  return (
    <time dateTime={isoOf(ms)} title={fullTime(ms)}>
      {ago(now - ms)}
    </time>
  );
}

/** How long it has lasted: `'12 s'`. */
export function Lasting({ sinceMs }: { readonly sinceMs: number }) {
  const now = useNow();
  return (
    <time class="nowrap" dateTime={isoOf(sinceMs)} title={`since ${fullTime(sinceMs)}`}>
      {lasting(now - sinceMs)}
    </time>
  );
}

/** `'14:03:27.120'`. */
export function At({ ms }: { readonly ms: number }) {
  return (
    <time class="nowrap" dateTime={isoOf(ms)} title={fullTime(ms)}>
      {clockTime(ms)}
    </time>
  );
}

/** How long it still is, counting down: `'in 2.4 s'`, then `'now'`. */
export function Countdown({ untilMs }: { readonly untilMs: number }) {
  const now = useNow(100);
  return (
    <time class="nowrap" dateTime={isoOf(untilMs)} title={fullTime(untilMs)}>
      {untilMs <= now ? 'now' : `in ${span(untilMs - now)}`}
    </time>
  );
}

/** A time that nobody can have meant has no ISO form. */
function isoOf(ms: number): string | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
