/**
 * The log from its end: the newest events as they are appended, and back from there as far as one scrolls. While one reads further
 * down, or has paused it, what is live stands still and says how many have come.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EventRow, EventsPage, StoreTopic } from '../../wire.ts';
import { get } from '../api.ts';
import { count, rate } from '../format.ts';
import { useTopic } from '../live.ts';
import { Button } from '../parts/button.tsx';
import { Chip } from '../parts/chip.tsx';
import { useEndless } from '../parts/endless.ts';
import { positionColumn, streamColumn, timeColumn, typeColumn, withMarks } from '../parts/event-parts.tsx';
import { FilterField } from '../parts/filters.tsx';
import { ListFoot } from '../parts/list-foot.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading } from '../parts/panel.tsx';
import { type Column, VirtualList } from '../parts/virtual-list.tsx';
import { useParam } from '../route.ts';
import { joined, missingBefore, type TailFilter, typesIn } from './tail-rows.ts';
import './lists.css';

/** Events asked for at a time. */
const pageEvents = 100;
/** Scrolled further than this one is reading. Pixels. */
const readingPixels = 160;

export function TailPage() {
  const [type] = useParam('type');
  const [prefix] = useParam('prefix');
  const store = useTopic<StoreTopic>('store');
  const filter = { type, prefix };
  const list = useEndless<EventRow, number>(`${type}\n${prefix}`, async (after, signal) => {
    const query = { type, prefix, to: after, direction: 'backward', limit: pageEvents };
    const { events, next } = await get<EventsPage>('api/events', query, signal);
    return { rows: events, next };
  });
  const live = useLiveRows(filter, list.isWaiting ? undefined : (list.rows[0]?.position ?? 0));
  const [isPaused, setPaused] = useState(false);
  const isReading = useReading();
  const isHeld = isPaused || isReading;
  const liveShown = useHeld(live, isHeld, list.isWaiting);
  const rows = liveShown.length === 0 ? list.rows : [...liveShown, ...list.rows];
  const waiting = countAbove(live, liveShown[0]?.position ?? 0);
  const isEmpty = rows.length === 0;

  function goLive(): void {
    setPaused(false);
    scrollTo({ top: 0 });
  }

  return (
    <Page
      title="Tail"
      beside={
        isHeld ? (
          <Chip icon="state-rest" text={isPaused ? 'paused' : 'held while you read'} />
        ) : (
          <Chip tone="good" icon="state-live" text={`live, ${rate(store?.rates?.append ?? 0)} a second`} />
        )
      }
      end={
        <Button icon={isPaused ? 'play' : 'pause'} onClick={() => (isPaused ? goLive() : setPaused(true))}>
          {isPaused ? 'Go on' : 'Pause'}
        </Button>
      }
    >
      <search class="filters">
        <FilterField name="type" label="Type" placeholder="all types" suggestions={typesIn(rows)} />
        <FilterField name="prefix" label="Stream begins with" placeholder="all streams" />
      </search>
      <section class="panel" aria-label="Newest events" aria-busy={list.isWaiting}>
        {isEmpty && list.isWaiting && <Loading />}
        {isEmpty && !list.isWaiting && list.error === undefined && list.more === undefined && (
          <Empty
            icon="tail"
            text={type + prefix === '' ? 'Nothing has been appended yet.' : 'There is no event like that in the log.'}
          />
        )}
        {!isEmpty && (
          <VirtualList
            label="Newest events"
            name="list-tail"
            columns={columnsFor(rows, filter)}
            rows={rows}
            keyOf={(event) => event.position}
            onEnd={list.moreByItself}
            height={{ wide: 2.125, narrow: 3.75 }}
          />
        )}
        {(!isEmpty || list.error !== undefined || list.more !== undefined) && (
          <ListFoot list={list} one="event" many="events" />
        )}
      </section>
      {isHeld && waiting > 0 && (
        <div class="tail-new">
          <Button icon="up" kind="main" onClick={goLive}>
            {count(waiting)} new
          </Button>
        </div>
      )}
    </Page>
  );
}

/** Those that came since the first page was read, whose newest is `newest`; none before it is there. */
function useLiveRows(filter: TailFilter, newest: number | undefined): readonly EventRow[] {
  const topic = useTopic<Record<string, EventRow>>('tail');
  const rows = useRef<readonly EventRow[]>([]);
  rows.current =
    newest === undefined ? [] : joined(rows.current, Object.values(topic ?? {}) as EventRow[], filter, newest);
  return rows.current;
}

/** `rows`, or what they were when the list began to stand still. */
function useHeld(rows: readonly EventRow[], isHeld: boolean, isNew: boolean): readonly EventRow[] {
  const held = useRef(rows);
  if (!isHeld || isNew) held.current = rows;
  return held.current;
}

/** Whether one has scrolled down, to read. */
function useReading(): boolean {
  const [isReading, setReading] = useState(false);
  useEffect(() => {
    const look = () => setReading(scrollY > readingPixels);
    addEventListener('scroll', look, { passive: true });
    return () => removeEventListener('scroll', look);
  }, []);
  return isReading;
}

function countAbove(rows: readonly EventRow[], position: number): number {
  const index = rows.findIndex((row) => row.position <= position);
  return index === -1 ? rows.length : index;
}

/** With the number of those that came too fast to be shown, beside the row before which they were. */
function columnsFor(rows: readonly EventRow[], filter: TailFilter): readonly Column<EventRow>[] {
  const missing = new Map<number, number>();
  rows.forEach((row, index) => {
    const count = missingBefore(rows, index, filter);
    if (count > 0) missing.set(row.position, count);
  });
  const position: Column<EventRow> = {
    ...positionColumn,
    track: '10rem',
    cell: (event, tabIndex) => (
      <>
        {missing.has(event.position) && (
          <span class="small faint" title="They came faster than they can be shown here.">
            {count(missing.get(event.position) ?? 0)} more before{' '}
          </span>
        )}
        {positionColumn.cell(event, tabIndex)}
      </>
    ),
  };
  return withMarks([timeColumn, typeColumn, streamColumn, position], rows);
}
