/** One projection: how far it is, its keys and values, and building it anew. */
import { useState } from 'preact/hooks';
import type { EntriesPage, ProcessorRow, ProjectionRow, StoreTopic } from '../../wire.ts';
import { get, useGet } from '../api.ts';
import { count } from '../format.ts';
import { errorText } from '../health.ts';
import { useTopic } from '../live.ts';
import { Button } from '../parts/button.tsx';
import { StateChip } from '../parts/chip.tsx';
import { useEndless } from '../parts/endless.ts';
import { NameText } from '../parts/event-parts.tsx';
import { FilterField } from '../parts/filters.tsx';
import { Fresh } from '../parts/fresh.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { Link } from '../parts/link.tsx';
import { ListFoot } from '../parts/list-foot.tsx';
import { Page } from '../parts/page.tsx';
import { Pair } from '../parts/pair.tsx';
import { Empty, ErrorNote, Facts, Loading, Missing, Note, Panel } from '../parts/panel.tsx';
import { beginning, shown } from '../parts/plain-text.ts';
import { Progress } from '../parts/progress.tsx';
import { type Column, VirtualList } from '../parts/virtual-list.tsx';
import { actionButtons } from '../processor-actions.ts';
import { setParams, useParam } from '../route.ts';
import type { Place } from '../routes.ts';
import { ActionDialog } from './processor-actions.tsx';
import './lists.css';
import './projections.css';

type EntryRow = EntriesPage['entries'][number];

/** Entries asked for at a time. */
const pageEntries = 100;
/** Characters of a value that a row has room for. */
const valueCharsMax = 300;

export function ProjectionPage({ place: { name } }: { readonly place: Extract<Place, { page: 'projection' }> }) {
  const topic = useTopic<Record<string, ProjectionRow>>('projections');
  const actions = useTopic<StoreTopic>('store')?.about?.actions ?? [];
  const processor = useTopic<Record<string, ProcessorRow>>('processors')?.[name];
  const row = topic?.[name];
  const [isAsking, setAsking] = useState(false);
  const [rebuild] = actionButtons('projection', ['rebuild'], [[]]);
  const crumb = <Link to={{ page: 'projections' }}>Projections</Link>;
  if (row === undefined)
    return (
      <Page title={shown(name)} crumb={crumb}>
        {topic === undefined ? <Loading /> : <Missing text="There is no projection of this name." />}
      </Page>
    );
  return (
    <Page
      title={shown(name)}
      crumb={crumb}
      beside={<StateChip state={row.state} />}
      end={
        <div class="buttons">
          <Link class="button" to={{ page: 'processor', name }}>
            Its processor
          </Link>
          {actions.includes('rebuild') && (
            <Button icon="reset" onClick={() => setAsking(true)}>
              Rebuild
            </Button>
          )}
        </div>
      }
    >
      {processor?.lastError !== undefined && processor.attempts > 0 && (
        <Note tone={row.state === 'failed' ? 'bad' : 'warn'}>
          <p>{row.state === 'failed' ? 'It has failed, and stands still.' : 'It fails, and tries again.'}</p>
          <p class="mono soft">{errorText(processor.lastError)}</p>
        </Note>
      )}
      <Panel title="State">
        <Facts
          facts={[
            ['Version', row.version === undefined ? 'not built yet' : String(row.version)],
            ['Position', count(row.position)],
            ['Lag', row.lag === 0 ? 'none' : `${count(row.lag)} behind`],
            [
              row.building?.version === undefined ? 'Building' : `Building version ${row.building.version}`,
              row.building && <Progress label="Build" done={row.building.position} all={row.building.head} />,
            ],
          ]}
        />
      </Panel>
      <Entries name={name} version={row.version} position={row.position} />
      {isAsking && rebuild !== undefined && (
        <ActionDialog name={name} button={rebuild} head={row.position} isPossible onClose={() => setAsking(false)} />
      )}
    </Page>
  );
}

interface EntriesProps {
  readonly name: string;
  readonly version: number | undefined;
  readonly position: number;
}

function Entries({ name, version, position }: EntriesProps) {
  const [from] = useParam('from');
  const [opened] = useParam('key');
  const list = useEndless<EntryRow, string>(`${from}\n${version}`, async (after, signal) => {
    const path = `api/projections/${encodeURIComponent(name)}`;
    const { entries, next } = await get<EntriesPage>(path, { from: after ?? from, limit: pageEntries }, signal);
    return { rows: entries, next };
  });
  const isEmpty = list.rows.length === 0;
  const isOpen = opened !== '';
  return (
    <>
      <search class="filters">
        <FilterField name="from" label="Keys from" placeholder="the first" />
        <div class="filters-end">
          <Fresh at={position} list={list} what="events" />
        </div>
      </search>
      <Pair
        list={
          <section class="panel" aria-label="Entries" aria-busy={list.isWaiting}>
            {isEmpty && list.isWaiting && <Loading />}
            {isEmpty && !list.isWaiting && list.error === undefined && (
              <Empty icon="projections" text={from === '' ? 'It has no entries.' : 'No key comes after that.'} />
            )}
            {!isEmpty && (
              <VirtualList
                label={`Entries of ${shown(name)}`}
                name="list-entries"
                columns={entryColumns}
                rows={list.rows}
                keyOf={(entry) => entry.key}
                current={isOpen ? opened : undefined}
                onEnd={list.moreByItself}
                height={{ wide: 2.25, narrow: 3.5 }}
              />
            )}
            {(!isEmpty || list.error !== undefined) && <ListFoot list={list} one="entry" many="entries" />}
          </section>
        }
        detail={
          isOpen ? (
            <Entry key={opened} name={name} entryKey={opened} rows={list.rows} isWaiting={list.isWaiting} />
          ) : undefined
        }
      />
    </>
  );
}

const entryColumns: readonly Column<EntryRow>[] = [
  {
    id: 'key',
    title: 'Key',
    track: 'minmax(8rem, 1fr)',
    cell: ({ key }, tabIndex) => (
      <button type="button" class="opener cut mono" tabIndex={tabIndex} onClick={() => setParams({ key }, true)}>
        {key === '' ? <i class="faint">empty</i> : <NameText name={key} />}
      </button>
    ),
  },
  {
    id: 'value',
    title: 'Value',
    track: 'minmax(8rem, 2fr)',
    cell: ({ value }) =>
      value === undefined ? (
        <i class="faint">redacted</i>
      ) : (
        <bdi class="mono soft">{shown(beginning(value, valueCharsMax).replaceAll(/\s*\n\s*/g, ' '))}</bdi>
      ),
  },
];

interface EntryProps {
  readonly name: string;
  readonly entryKey: string;
  readonly rows: readonly EntryRow[];
  readonly isWaiting: boolean;
}

/** The entry that is open: from the list, or asked for when the list does not have it, or has only its beginning. */
function Entry({ name, entryKey, rows, isWaiting }: EntryProps) {
  const inList = rows.find(({ key }) => key === entryKey);
  const isAsked = inList === undefined ? !isWaiting : inList.cut === true;
  const path = `api/projections/${encodeURIComponent(name)}`;
  const { data, error, reload } = useGet<EntriesPage>(isAsked ? path : undefined, { from: entryKey, limit: 1 });
  const entry = (isAsked ? data?.entries.find(({ key }) => key === entryKey) : undefined) ?? inList;
  const isMissing = isAsked && data !== undefined && entry === undefined;
  return (
    <section aria-label="The entry">
      <header class="pair-head">
        <h2 class="mono">
          <NameText name={entryKey} />
        </h2>
        <div class="buttons">
          <Button icon="cross" kind="plain" label="Close the entry" onClick={() => setParams({ key: '' })} />
        </div>
      </header>
      {error !== undefined && <ErrorNote error={error} onRetry={reload} />}
      {entry === undefined && !isMissing && error === undefined && <Loading />}
      {isMissing && <Empty icon="search" text="There is no entry with this key now." />}
      {entry?.value === undefined ? (
        entry && <Empty icon="lock" text="The app keeps the value of this entry from the dashboard." />
      ) : (
        <JsonView label="Value" text={entry.value} mayBeCut={entry.cut === true} />
      )}
    </section>
  );
}
