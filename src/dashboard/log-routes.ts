/**
 * What the page asks of the log: streams, pages of events, one event.
 */
import { setImmediate } from 'node:timers/promises';
import type { Bus } from '../../actors/bus.ts';
import { dashboardRowsMax, dashboardSearchMaxMs } from '../limits.ts';
import { checkStreamName } from '../names.ts';
import type { Direction } from '../types.ts';
import { type EventDetails, eventRow } from './event-rows.ts';
import { searchLog } from './log-search.ts';
import { choiceIn, limitIn, positionIn, positionOf, textIn } from './query.ts';
import { notFound } from './refusal.ts';
import type { EventDetail, EventRow, EventsPage, StreamsPage } from './wire.ts';

const rowsUsual = 50;

export async function streamsPage(bus: Bus, query: URLSearchParams, signal: AbortSignal): Promise<StreamsPage> {
  const limit = limitIn(query, dashboardRowsMax * 5, rowsUsual);
  const prefix = textIn(query, 'prefix');
  const after = textIn(query, 'after');
  const streams: StreamsPage['streams'][number][] = [];
  const range = { ...(prefix && { prefix }), ...(after && { after }), limit, signal };
  for await (const page of bus.streams(range).pages()) streams.push(...page);
  const last = streams.at(-1);
  return { streams, ...(last && streams.length === limit && { next: last.stream }) };
}

/** Without `stream` by position; with it by version, and so are `from`, `to` and `next`. */
export async function eventsPage(bus: Bus, query: URLSearchParams, signal: AbortSignal): Promise<EventsPage> {
  const stream = textIn(query, 'stream');
  if (stream !== undefined) checkStreamName(stream);
  const { head } = bus;
  const direction = choiceIn(query, 'direction', ['forward', 'backward']) ?? 'forward';
  const range = {
    low: positionIn(query, 'from') ?? 1,
    high: positionIn(query, 'to') ?? Number.MAX_SAFE_INTEGER,
    direction,
    limit: limitIn(query, dashboardRowsMax, rowsUsual),
    type: textIn(query, 'type'),
    signal,
  };
  if (stream !== undefined) return { head, ...(await ofStream(bus, stream, range)) };
  const prefix = textIn(query, 'prefix');
  return { head, ...(await ofLog(bus, prefix, { ...range, high: Math.min(range.high, head) })) };
}

/** @throws {Refusal} */
export async function eventDetail(bus: Bus, part: string, details: EventDetails): Promise<EventDetail> {
  const event = await bus.event(positionOf(part));
  if (event === undefined) throw notFound(`the event at position ${part}`);
  return details.of(event);
}

interface RangeAsked {
  readonly low: number;
  readonly high: number;
  readonly direction: Direction;
  readonly limit: number;
  readonly type: string | undefined;
  readonly signal: AbortSignal;
}
type Found = Pick<EventsPage, 'events' | 'next'>;

async function ofLog(bus: Bus, prefix: string | undefined, asked: RangeAsked): Promise<Found> {
  const { type, limit, ...range } = asked;
  const filter = { ...(prefix && { prefix }), ...(type && { types: [type] }) };
  const events: EventRow[] = [];
  const next = await searchLog(bus, { filter, ...range }, (event) => {
    events.push(eventRow(event));
    return events.length < limit;
  });
  return next === undefined ? { events } : { events, next };
}

async function ofStream(bus: Bus, stream: string, asked: RangeAsked): Promise<Found> {
  const { low, high, direction, limit, type, signal } = asked;
  const version = Math.min(high, (await bus.stream(stream))?.version ?? 0);
  const events: EventRow[] = [];
  const endMs = performance.now() + dashboardSearchMaxMs;
  for await (const page of bus.readStream(stream, { from: low, to: Math.max(1, version), direction, signal }).pages()) {
    for (const event of page) {
      if (type === undefined || event.type === type) events.push(eventRow(event));
      const isLast = events.length === limit || (event === page.at(-1) && performance.now() >= endMs);
      if (!isLast) continue;
      const next = direction === 'forward' ? event.version + 1 : event.version - 1;
      return next >= low && next <= version ? { events, next } : { events };
    }
    await setImmediate();
  }
  return { events };
}
