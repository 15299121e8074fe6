/** All streams, by name: searched by how they begin, as many as there are. */
import type { StoreTopic, StreamsPage as StreamsAnswer } from '../../wire.ts';
import { get } from '../api.ts';
import { count } from '../format.ts';
import { useTopic } from '../live.ts';
import { useEndless } from '../parts/endless.ts';
import { NameText } from '../parts/event-parts.tsx';
import { FilterField } from '../parts/filters.tsx';
import { Fresh } from '../parts/fresh.tsx';
import { ListFoot } from '../parts/list-foot.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading } from '../parts/panel.tsx';
import { type Column, VirtualList } from '../parts/virtual-list.tsx';
import { useParam } from '../route.ts';
import { addressOf } from '../routes.ts';
import './lists.css';

type StreamRow = StreamsAnswer['streams'][number];

/** Streams asked for at a time. */
const pageStreams = 200;

const columns: readonly Column<StreamRow>[] = [
  {
    id: 'stream',
    title: 'Stream',
    track: 'minmax(10rem, 1fr)',
    cell: ({ stream }, tabIndex) => (
      <a class="strong" href={addressOf({ page: 'stream', name: stream })} tabIndex={tabIndex}>
        <NameText name={stream} />
      </a>
    ),
  },
  {
    id: 'version',
    title: 'Events',
    track: '7rem',
    isNumber: true,
    cell: ({ version }) => (
      <>
        {count(version)}
        <span class="narrow-only faint"> {version === 1 ? 'event' : 'events'}</span>
      </>
    ),
  },
  {
    id: 'position',
    title: 'Last position',
    track: '8rem',
    isNumber: true,
    cell: ({ lastPosition }, tabIndex) => (
      <a class="quiet" href={addressOf({ page: 'event', position: String(lastPosition) })} tabIndex={tabIndex}>
        <span class="narrow-only">last at </span>
        {count(lastPosition)}
      </a>
    ),
  },
];

export function StreamsPage() {
  const [prefix] = useParam('prefix');
  const store = useTopic<StoreTopic>('store');
  const load = async (after: string | undefined, signal: AbortSignal) => {
    const { streams, next } = await get<StreamsAnswer>('api/streams', { prefix, after, limit: pageStreams }, signal);
    return { rows: streams, next };
  };
  const list = useEndless<StreamRow, string>(prefix, load, { isKept: true });
  const isEmpty = list.rows.length === 0;
  return (
    <Page title="Streams" end={<Fresh at={store?.head} list={list} what="events" />}>
      <search class="filters">
        <FilterField name="prefix" label="Name begins with" placeholder="order-" />
      </search>
      <section class="panel" aria-label="Streams" aria-busy={list.isWaiting}>
        {isEmpty && list.isWaiting && <Loading />}
        {isEmpty && !list.isWaiting && list.error === undefined && (
          <Empty icon="streams" text={prefix === '' ? 'There are no streams yet.' : 'No stream begins like that.'} />
        )}
        {!isEmpty && (
          <VirtualList
            label="Streams"
            name="list-streams"
            columns={columns}
            rows={list.rows}
            keyOf={(row) => row.stream}
            onEnd={list.moreByItself}
            height={{ wide: 2.25, narrow: 3.75 }}
          />
        )}
        {(!isEmpty || list.error !== undefined) && <ListFoot list={list} one="stream" many="streams" />}
      </section>
    </Page>
  );
}
