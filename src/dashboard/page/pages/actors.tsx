/** The tree of actors, with how many messages each gets a second. */
import { useState } from 'preact/hooks';
import type { ActorRow, StoreTopic } from '../../wire.ts';
import { type ActorLine, actorLines } from '../actor-tree.ts';
import { count, rate } from '../format.ts';
import { useTopic } from '../live.ts';
import { StateChip } from '../parts/chip.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { FilterField } from '../parts/filters.tsx';
import { Icon } from '../parts/icon.tsx';
import type { IconName } from '../parts/icons.ts';
import { Page } from '../parts/page.tsx';
import { Empty, Loading } from '../parts/panel.tsx';
import { type Column, VirtualList } from '../parts/virtual-list.tsx';
import { useParam } from '../route.ts';
import { addressOf } from '../routes.ts';
import './actors.css';

export function ActorsPage() {
  const topic = useTopic<Record<string, ActorRow>>('actors');
  const isBeside = useTopic<StoreTopic>('store')?.about?.source === 'file';
  const [text] = useParam('find');
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
  if (topic === undefined)
    return (
      <Page title="Actors">
        <Loading />
      </Page>
    );
  const rows = Object.values(topic) as ActorRow[];
  const lines = actorLines(rows, turned, text);
  const most = Math.max(1, ...lines.map((line) => line.rate));
  const turn = (id: string) => {
    const next = new Set(turned);
    if (!next.delete(id)) next.add(id);
    setTurned(next);
  };
  return (
    <Page title="Actors" beside={<span class="soft">{count(rows.length)}</span>}>
      <section class="panel" aria-label="Actors">
        <div class="panel-head">
          <search class="actors-filter">
            <FilterField name="find" label="Find" placeholder="name or kind" />
          </search>
          <span class="end soft small">
            {rate(rows.reduce((sum, row) => sum + row.rate, 0))} messages a second in all
          </span>
        </div>
        {lines.length === 0 ? (
          <Empty
            icon="actors"
            text={rows.length === 0 ? 'No process has this store open for writing: it has no actors.' : 'None matches.'}
          />
        ) : (
          <VirtualList
            label="Actors"
            name="actors"
            columns={columnsOf(most, turn, isBeside)}
            rows={lines}
            keyOf={({ actor }) => actor.id}
            height={{ wide: 2.25, narrow: 3.25 }}
          />
        )}
      </section>
    </Page>
  );
}

const icons: Readonly<Record<ActorRow['kind'], IconName>> = {
  bus: 'actors',
  writer: 'tail',
  readers: 'streams',
  watch: 'clock',
  timers: 'clock',
  listener: 'dot',
  processor: 'overview',
  partition: 'dot',
  child: 'dot',
  port: 'link',
  user: 'machines',
};

/** `isBeside`: the dashboard is not in the app, where machines count their messages only while somebody looks. */
function columnsOf(most: number, turn: (id: string) => void, isBeside: boolean): readonly Column<ActorLine>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      track: 'minmax(12rem, 2fr)',
      cell: (line, tabIndex) => <ActorName line={line} tabIndex={tabIndex} turn={turn} />,
    },
    { id: 'kind', title: 'Kind', track: '6rem', cell: ({ actor }) => <span class="soft">{actor.kind}</span> },
    {
      id: 'state',
      title: 'State',
      track: '10rem',
      cell: ({ actor }) => actor.state !== undefined && <StateChip state={actor.state} />,
    },
    {
      id: 'rate',
      title: 'Messages/s',
      track: 'minmax(9rem, 1fr)',
      cell: (line) =>
        isBeside && isOfProcessor(line.actor) ? (
          <NotCounted />
        ) : (
          <RateBar value={line.rate} most={most} isSum={!line.isOpen && line.below > 0} />
        ),
    },
    {
      id: 'messages',
      title: 'Messages',
      track: '7rem',
      isNumber: true,
      cell: ({ actor }) =>
        isBeside && isOfProcessor(actor) ? <NotCounted /> : <span class="soft">{count(actor.messages)}</span>,
    },
  ];
}

/** A processor, a partition, or an actor of one of these. */
function isOfProcessor({ id }: ActorRow): boolean {
  return /^(child:[^:]*:)*(processor|partition):/.test(id);
}

function NotCounted() {
  return (
    <span class="faint" title="Only the dashboard that runs in the app counts them">
      –
    </span>
  );
}

interface ActorNameProps {
  readonly line: ActorLine;
  readonly tabIndex: 0 | -1;
  readonly turn: (id: string) => void;
}

function ActorName({ line: { actor, depth, below, isOpen }, tabIndex, turn }: ActorNameProps) {
  return (
    <span class="actor" style={{ paddingLeft: `${depth * 1.25}rem` }}>
      <span class="hidden-text">level {depth + 1}</span>
      {below > 0 ? (
        <button
          type="button"
          class="actor-turn"
          aria-expanded={isOpen}
          aria-label={`${actor.name}: ${count(below)} below`}
          tabIndex={tabIndex}
          onClick={() => turn(actor.id)}
        >
          <Icon name={isOpen ? 'down' : 'right'} size={12} />
        </button>
      ) : (
        <span class="actor-leaf" />
      )}
      <Icon name={icons[actor.kind] ?? 'dot'} size={14} />
      {actor.kind === 'processor' ? (
        <a class="cut" href={addressOf({ page: 'processor', name: actor.name })} tabIndex={tabIndex}>
          <NameText name={actor.name} />
        </a>
      ) : (
        <span class="cut">
          <NameText name={actor.name} />
        </span>
      )}
      {!isOpen && below > 0 && <span class="count">{count(below)}</span>}
    </span>
  );
}

function RateBar({ value, most, isSum }: { readonly value: number; readonly most: number; readonly isSum: boolean }) {
  return (
    <span class="rate-bar" title={isSum ? 'with those below it' : undefined}>
      <span class={value === 0 ? 'faint' : undefined}>
        {isSum && value > 0 ? 'Σ ' : ''}
        {rate(value)}
      </span>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="meter-used" width={(value / most) * 100} height="4" />
      </svg>
    </span>
  );
}
