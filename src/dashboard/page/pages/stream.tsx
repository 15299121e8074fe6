/** The events of one stream, newest or oldest first, from any version on. */
import type { EventRow, EventsPage } from '../../wire.ts';
import { get } from '../api.ts';
import { useTopic } from '../live.ts';
import { useEndless } from '../parts/endless.ts';
import { positionColumn, timeColumn, typeColumn, versionColumn, withMarks } from '../parts/event-parts.tsx';
import { FilterSelect } from '../parts/filters.tsx';
import { Fresh } from '../parts/fresh.tsx';
import { JumpField } from '../parts/jump-field.tsx';
import { Link } from '../parts/link.tsx';
import { ListFoot } from '../parts/list-foot.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading } from '../parts/panel.tsx';
import { shown } from '../parts/plain-text.ts';
import { VirtualList } from '../parts/virtual-list.tsx';
import { useParam } from '../route.ts';
import type { Place } from '../routes.ts';
import './lists.css';

/** Events asked for at a time. */
const pageEvents = 200;

const columns = [versionColumn, timeColumn, typeColumn, positionColumn];

export function StreamPage({ place: { name } }: { readonly place: Extract<Place, { page: 'stream' }> }) {
  const [order] = useParam('order');
  const [version] = useParam('version');
  const tail = useTopic<Record<string, EventRow>>('tail');
  const isOurs = name.startsWith('$');
  const isOldestFirst = order === 'oldest';
  const start = !isOurs && /^[1-9]\d{0,14}$/.test(version) ? Number(version) : undefined;

  const load = async (after: number | undefined, signal: AbortSignal) => {
    const range = isOldestFirst
      ? { direction: 'forward', from: after ?? start }
      : { direction: 'backward', to: after ?? start };
    // Streams of the store's own cannot be read as such, so they are looked for in the log.
    const which = isOurs ? { prefix: name } : { stream: name };
    const { events, next } = await get<EventsPage>('api/events', { ...which, ...range, limit: pageEvents }, signal);
    return { rows: isOurs ? events.filter(({ stream }) => stream === name) : events, next };
  };
  const list = useEndless<EventRow, number>(`${order} ${start}`, load, { isKept: true });
  const isEmpty = list.rows.length === 0;
  const newest = newestOf(name, list.rows, tail);

  return (
    <Page
      title={shown(name)}
      crumb={<Link to={{ page: 'streams' }}>Streams</Link>}
      end={<Fresh at={newest} list={list} what="events" />}
    >
      <search class="filters">
        <FilterSelect
          name="order"
          label="Order"
          all="Newest first"
          options={[{ value: 'oldest', text: 'Oldest first' }]}
        />
        {!isOurs && <JumpField name="version" label={isOldestFirst ? 'From version' : 'Up to version'} />}
      </search>
      <section class="panel" aria-label="Events" aria-busy={list.isWaiting}>
        {isEmpty && list.isWaiting && <Loading />}
        {isEmpty && !list.isWaiting && list.error === undefined && list.more === undefined && (
          <Empty
            icon="streams"
            text={start === undefined ? 'There is no stream of that name.' : 'There are no events in this part.'}
          />
        )}
        {!isEmpty && (
          <VirtualList
            label={`Events of ${shown(name)}`}
            name="list-stream"
            columns={withMarks(columns, list.rows)}
            rows={list.rows}
            keyOf={(event) => event.position}
            onEnd={list.moreByItself}
            height={{ wide: 2.25, narrow: 3.75 }}
          />
        )}
        {(!isEmpty || list.error !== undefined || list.more !== undefined) && (
          <ListFoot list={list} one="event" many="events" />
        )}
      </section>
    </Page>
  );
}

/** The newest version that is known of. */
function newestOf(
  name: string,
  rows: readonly EventRow[],
  tail: Readonly<Partial<Record<string, EventRow>>> = {},
): number | undefined {
  const ofStream = Object.values(tail).filter((row) => row?.stream === name) as EventRow[];
  const versions = [...ofStream, ...rows.slice(0, 1), ...rows.slice(-1)].map(({ version }) => version);
  return versions.length === 0 ? undefined : Math.max(...versions);
}
