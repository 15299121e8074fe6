/**
 * The newest events, as they are appended. While one reads further down, or has paused it, the list stands still and says how many
 * have come.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EventRow, EventsPage, StoreTopic } from '../../wire.ts';
import { useGet } from '../api.ts';
import { count, rate } from '../format.ts';
import { useTopic } from '../live.ts';
import { Button } from '../parts/button.tsx';
import { Chip } from '../parts/chip.tsx';
import { positionColumn, streamColumn, timeColumn, typeColumn, withMarks } from '../parts/event-parts.tsx';
import { FilterField } from '../parts/filters.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, ErrorNote, Loading } from '../parts/panel.tsx';
import { type Column, VirtualList } from '../parts/virtual-list.tsx';
import { useParam } from '../route.ts';
import { joined, missingBefore, type TailFilter, typesIn } from './tail-rows.ts';
import './lists.css';

/** Events that are there when the page opens. */
const firstEvents = 100;
/** Scrolled further than this one is reading. Pixels. */
const readingPixels = 160;

export function TailPage() {
  const [type] = useParam('type');
  const [prefix] = useParam('prefix');
  const filter = { type, prefix };
  const store = useTopic<StoreTopic>('store');
  const { rows, error, isLoading, reload } = useTail(filter);
  const [isPaused, setPaused] = useState(false);
  const isReading = useReading();
  const isHeld = isPaused || isReading;
  const shownRows = useHeld(rows, isHeld, `${type} ${prefix}`);
  const waiting = isHeld ? countAbove(rows, shownRows[0]?.position ?? 0) : 0;
  const columns = columnsFor(shownRows, filter);

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
        <div class="buttons">
          {isHeld && (
            <Button icon="up" onClick={goLive}>
              {waiting > 0 ? `${count(waiting)} new` : 'To the newest'}
            </Button>
          )}
          <Button icon={isPaused ? 'play' : 'pause'} onClick={() => (isPaused ? goLive() : setPaused(true))}>
            {isPaused ? 'Go on' : 'Pause'}
          </Button>
        </div>
      }
    >
      <search class="filters">
        <FilterField name="type" label="Type" placeholder="all types" suggestions={typesIn(rows)} />
        <FilterField name="prefix" label="Stream begins with" placeholder="all streams" />
      </search>
      {error !== undefined && <ErrorNote error={error} onRetry={reload} />}
      <section class="panel" aria-label="Newest events">
        {shownRows.length === 0 && isLoading && <Loading />}
        {shownRows.length === 0 && !isLoading && error === undefined && (
          <Empty
            icon="tail"
            text={
              type === '' && prefix === '' ? 'Nothing has been appended yet.' : 'Nothing like that among the newest.'
            }
          />
        )}
        {shownRows.length > 0 && (
          <VirtualList
            label="Newest events"
            name="list-tail"
            columns={columns}
            rows={shownRows}
            keyOf={(event) => event.position}
            height={{ wide: 2.125, narrow: 3.75 }}
          />
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

/** The newest that pass, newest first: those that are asked for at first, and those that come. */
function useTail(filter: TailFilter) {
  const live = useTopic<Record<string, EventRow>>('tail');
  const { type, prefix } = filter;
  const first = useGet<EventsPage>('api/events', { type, prefix, direction: 'backward', limit: firstEvents });
  const question = `${type} ${prefix}`;
  const held = useRef<{ question: string; rows: readonly EventRow[] }>({ question, rows: [] });
  if (held.current.question !== question) held.current = { question, rows: [] };
  const events = Object.values(live ?? {}) as EventRow[];
  const rows = joined(joined(held.current.rows, first.data?.events ?? [], filter), events, filter);
  held.current = { question, rows };
  return { rows, error: first.error, isLoading: first.isLoading, reload: first.reload };
}

/** `rows`, or what they were when the list began to stand still. */
function useHeld(rows: readonly EventRow[], isHeld: boolean, question: string): readonly EventRow[] {
  const held = useRef({ rows, question });
  if (!isHeld || held.current.question !== question || held.current.rows.length === 0)
    held.current = { rows, question };
  return held.current.rows;
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

/** With the number of those that came too fast to be shown, below the row before which they were. */
function columnsFor(rows: readonly EventRow[], filter: TailFilter): readonly Column<EventRow>[] {
  const missing = new Map(rows.map((row, index) => [row.position, missingBefore(rows, index, filter)]));
  const position: Column<EventRow> = {
    ...positionColumn,
    track: '10rem',
    cell: (event, tabIndex) => (
      <>
        {(missing.get(event.position) ?? 0) > 0 && (
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
