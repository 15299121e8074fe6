/** One event: its header, its data and metadata, what caused it and what it caused, and its neighbours. */
import { useRef } from 'preact/hooks';
import type { EventDetail, EventLinks, EventRow, EventsPage, StoreTopic } from '../../wire.ts';
import { get, useGet } from '../api.ts';
import { count, fullTime } from '../format.ts';
import { useTopic } from '../live.ts';
import { Button } from '../parts/button.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { useEndless } from '../parts/endless.ts';
import { EventMarks, NameText } from '../parts/event-parts.tsx';
import { EventPayload } from '../parts/event-payload.tsx';
import { Icon } from '../parts/icon.tsx';
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, ErrorNote, Facts, Loading, Panel } from '../parts/panel.tsx';
import { shown } from '../parts/plain-text.ts';
import { Ago } from '../parts/time.tsx';
import type { Place } from '../routes.ts';
import { eventText } from './event-text.ts';
import './event.css';

export function EventPage({ place: { position } }: { readonly place: Extract<Place, { page: 'event' }> }) {
  const isPosition = /^[1-9]\d{0,14}$/.test(position);
  const { data: event, error, reload } = useGet<EventDetail>(isPosition ? `api/events/${position}` : undefined);
  const title = event === undefined ? `Event ${position}` : shown(event.type);
  return (
    <Page
      title={title}
      crumb={<Crumb event={event} />}
      beside={event && <EventMarks event={event} />}
      end={
        event && (
          <CopyButton
            text={eventText(event)}
            what="of the event"
            label={event.cut ? 'Copy header as JSON' : 'Copy as JSON'}
          />
        )
      }
    >
      {isPosition && <Neighbours position={Number(position)} event={event} />}
      {!isPosition && <Empty icon="search" text="A position is a whole number from 1 on." />}
      {error !== undefined && error.status === 404 && (
        <Empty icon="search" text="There is no event at this position." />
      )}
      {error !== undefined && error.status !== 404 && <ErrorNote error={error} onRetry={reload} />}
      {isPosition && event === undefined && error === undefined && <Loading />}
      {event !== undefined && (
        <div class="event">
          <Header event={event} />
          <div class="event-payload">
            <EventPayload event={event} />
          </div>
          <Links event={event} />
        </div>
      )}
    </Page>
  );
}

function Crumb({ event }: { readonly event: EventDetail | undefined }) {
  return (
    <>
      <Link to={{ page: 'streams' }}>Streams</Link>
      {event !== undefined && (
        <>
          {' / '}
          <Link to={{ page: 'stream', name: event.stream }}>
            <NameText name={event.stream} />
          </Link>
          {` / ${count(event.version)}`}
        </>
      )}
    </>
  );
}

/** The event before and after, in the log and in its stream. */
function Neighbours({ position, event }: { readonly position: number; readonly event: EventDetail | undefined }) {
  const head = useTopic<StoreTopic>('store')?.head ?? event?.position ?? 0;
  const { data } = useGet<EventsPage>(
    event && 'api/events',
    event && { stream: event.stream, from: Math.max(1, event.version - 1), to: event.version + 1, limit: 3 },
  );
  const isHere = data?.events.some((row) => row.position === position);
  const inStream = (version: number) =>
    isHere ? data?.events.find((row) => row.version === version)?.position : undefined;
  return (
    <nav class="neighbours" aria-label="Neighbours">
      <div class="neighbours-of">
        <span class="small faint">In the stream</span>
        <Step to={event && inStream(event.version - 1)} label="Previous in the stream" isBack />
        <Step to={event && inStream(event.version + 1)} label="Next in the stream" />
      </div>
      <div class="neighbours-of">
        <span class="small faint">In the log</span>
        <Step
          to={position > 1 ? Math.min(position - 1, head || position) : undefined}
          label="Previous in the log"
          isBack
        />
        <Step to={position < head ? position + 1 : undefined} label="Next in the log" />
      </div>
    </nav>
  );
}

function Step({
  to,
  label,
  isBack,
}: {
  readonly to: number | undefined;
  readonly label: string;
  readonly isBack?: boolean;
}) {
  const icon = <Icon name={isBack ? 'left' : 'right'} size={14} />;
  const words = (
    <>
      {isBack && icon}
      <span aria-hidden="true">{isBack ? 'Previous' : 'Next'}</span>
      <span class="hidden-text">{label}</span>
      {!isBack && icon}
    </>
  );
  if (to === undefined) {
    return (
      <button type="button" class="button" disabled>
        {words}
      </button>
    );
  }
  return (
    <Link class="button" to={{ page: 'event', position: String(to) }}>
      {words}
    </Link>
  );
}

function Header({ event }: { readonly event: EventDetail }) {
  return (
    <Panel title="Header">
      <Facts
        facts={[
          ['Position', count(event.position)],
          [
            'Stream',
            <Link to={{ page: 'stream', name: event.stream }}>
              <NameText name={event.stream} />
            </Link>,
          ],
          ['Version', count(event.version)],
          ['Type', <NameText name={event.type} />],
          [
            'Time',
            <>
              <span class="nowrap">{fullTime(event.timeMs)}</span>{' '}
              <small class="nowrap">
                <Ago ms={event.timeMs} />
              </small>
            </>,
          ],
          ['Subject', event.subject !== undefined && <NameText name={event.subject} />],
          ['Id', <code class="id">{event.id}</code>],
          ['Correlation', event.correlationId !== undefined && <code class="id">{shown(event.correlationId)}</code>],
          ['Causation', event.causationId !== undefined && <code class="id">{shown(event.causationId)}</code>],
        ]}
      />
    </Panel>
  );
}

interface LinkRow {
  readonly kind: 'cause' | 'effect' | 'correlated';
  readonly event: EventRow;
}

/** The server looks through a bounded part of the log at a time; one may ask on. */
function Links({ event: { position } }: { readonly event: EventDetail }) {
  const searchedTo = useRef(position);
  const list = useEndless<LinkRow, number>(String(position), async (from, signal) => {
    const found = await get<EventLinks>(`api/events/${position}/links`, { from }, signal);
    if (from === undefined) searchedTo.current = found.searchedTo;
    const rows = [
      ...(found.cause === undefined ? [] : [{ kind: 'cause' as const, event: found.cause }]),
      ...found.effects.map((event) => ({ kind: 'effect' as const, event })),
      ...found.correlated.map((event) => ({ kind: 'correlated' as const, event })),
    ];
    return { rows, next: found.searchedFrom > 1 ? found.searchedFrom - 1 : undefined };
  });
  const { rows, reached } = list;
  const of = (kind: LinkRow['kind']) => rows.filter((row) => row.kind === kind).map(({ event }) => event);
  return (
    <Panel title="Causes and effects" isFlush>
      <LinkList title="Caused by" events={of('cause')} />
      <LinkList title="Caused" events={of('effect')} />
      <LinkList title="Same correlation" events={of('correlated')} />
      {list.error !== undefined && <ErrorNote error={list.error} onRetry={list.retry} />}
      {list.isWaiting && <Loading />}
      {!list.isWaiting && list.error === undefined && (
        <div class="links-foot">
          <p class="small faint" role="status">
            {rows.length === 0 ? 'Nothing is linked with it' : 'Found'} among positions{' '}
            {count(typeof reached === 'number' ? reached + 1 : 1)} to {count(searchedTo.current)}.
          </p>
          {list.more !== undefined && (
            <Button kind="plain" icon="search" onClick={list.more}>
              Search before that
            </Button>
          )}
        </div>
      )}
    </Panel>
  );
}

function LinkList({ title, events }: { readonly title: string; readonly events: readonly EventRow[] }) {
  if (events.length === 0) return null;
  return (
    <section class="links" aria-label={title}>
      <h3>{title}</h3>
      <ul>
        {events.map((event) => (
          <li key={event.position}>
            <span class="event-position faint">{count(event.position)}</span>
            <Link class="strong cut" to={{ page: 'event', position: String(event.position) }}>
              <NameText name={event.type} />
            </Link>
            <Link class="quiet cut" to={{ page: 'stream', name: event.stream }}>
              <NameText name={event.stream} />
            </Link>
            <span class="links-marks">
              <EventMarks event={event} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
