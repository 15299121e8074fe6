/**
 * Numbers, sizes and times as people read them. Pure.
 */
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** `1234567` → `'1,234,567'`. */
export function count(value: number): string {
  return whole.format(value);
}

/** `1234567` → `'1.2M'`; exact up to 9,999. */
export function shortCount(value: number): string {
  return Math.abs(value) < 10_000 ? whole.format(value) : short.format(value);
}

/** A second: `0.4` → `'0.4'`, `1234.5` → `'1,235'`. */
export function rate(value: number): string {
  if (value === 0) return '0';
  if (value < 0.05) return '<0.1';
  return value < 10 ? String(Math.round(value * 10) / 10) : shortCount(Math.round(value));
}

const sizes = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
export function bytes(value: number): string {
  const step = value < 1024 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** step;
  return `${scaled < 10 && step > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${sizes[step]}`;
}

/** `1530` → `'1.5 ms'`. */
export function micros(value: number): string {
  if (value < 1000) return `${Math.round(value)} µs`;
  return value < 1_000_000 ? `${trimmed(value / 1000)} ms` : `${trimmed(value / 1_000_000)} s`;
}

/** A span: `'0.4 s'`, `'12 s'`, `'3 min'`, `'5 h'`, `'2 d'`. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** A span that may be very short: `'30 ms'`, `'1.4 s'`. */
export function shortSpan(ms: number): string {
  return ms < 1000 ? `${Math.max(0, Math.round(ms))} ms` : span(ms);
}

/** A span that still goes on, without what nobody could read: `'4 s'`, `'12 s'`, `'3 min'`. */
export function lasting(ms: number): string {
  return ms < 10_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : span(ms);
}

/** `'just now'`, `'12 s ago'`, `'3 min ago'`. */
export function ago(ms: number): string {
  return ms < 1500 ? 'just now' : `${ms < 10_000 ? `${Math.round(ms / 1000)} s` : span(ms)} ago`;
}

/** The time of a day, by the clock of who looks: `'14:03:27.120'`. */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `'2026-03-09 14:03:27.120'`. */
export function fullTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(ms)}`;
}

function trimmed(value: number): string {
  return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}
