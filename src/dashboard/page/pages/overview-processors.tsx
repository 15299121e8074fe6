/** Every processor in a line. Filters and order stand in the address. */
import type { ProcessorRow } from '../../wire.ts';
import { count, rate, shortCount } from '../format.ts';
import { errorText } from '../health.ts';
import { StateChip } from '../parts/chip.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { FilterField, FilterSelect } from '../parts/filters.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty } from '../parts/panel.tsx';
import { Countdown, Lasting } from '../parts/time.tsx';
import { type Column, VirtualList } from '../parts/virtual-list.tsx';
import { listed, stateCounts } from '../processor-list.ts';
import { setParams, useParam } from '../route.ts';
import { addressOf } from '../routes.ts';

/** Fewer are found without a filter. */
const filterFrom = 8;

export function ProcessorsPanel({ rows }: { readonly rows: readonly ProcessorRow[] }) {
  const [text] = useParam('find');
  const [state] = useParam('state');
  const [sort] = useParam('sort');
  const shown = listed(rows, { text, state, sort });
  const isFiltered = text !== '' || state !== '' || sort !== '';
  return (
    <section class="panel" aria-labelledby="processors-title">
      <div class="panel-head">
        <h2 id="processors-title">Processors</h2>
        <StateFilter rows={rows} state={state} />
        {(rows.length >= filterFrom || isFiltered) && (
          <search class="end processors-filter">
            <FilterField name="find" label="Find" placeholder="name or error" />
            <FilterSelect name="sort" label="Order" all="name" options={sorts} />
          </search>
        )}
      </div>
      {shown.length === 0 ? (
        <Empty
          text={
            rows.length === 0
              ? 'No processors yet. What the app makes with bus.processor() appears here.'
              : 'None matches.'
          }
        />
      ) : (
        <VirtualList
          label="Processors"
          name="processors"
          columns={columns}
          rows={shown}
          keyOf={(row) => row.name}
          height={{ wide: 2.5, narrow: 5.25 }}
        />
      )}
    </section>
  );
}

const sorts = [
  { value: 'trouble', text: 'trouble first' },
  { value: 'lag', text: 'lag' },
  { value: 'rate', text: 'rate' },
];

/** How many there are of each state; pressed, only those. */
function StateFilter({ rows, state }: { readonly rows: readonly ProcessorRow[]; readonly state: string }) {
  const counts = stateCounts(rows);
  if (counts.length < 2 && state === '') return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is sent
    <div class="states" role="group" aria-label="State">
      {counts.map(([name, number]) => (
        <button
          key={name}
          type="button"
          class="state-button"
          aria-pressed={state === name}
          onClick={() => setParams({ state: state === name ? undefined : name })}
        >
          <StateChip state={name} />
          {number}
        </button>
      ))}
      {state !== '' && !counts.some(([name]) => name === state) && (
        <button type="button" class="state-button" aria-pressed="true" onClick={() => setParams({ state: undefined })}>
          <StateChip state={state} />0
        </button>
      )}
    </div>
  );
}

const columns: readonly Column<ProcessorRow>[] = [
  {
    id: 'name',
    title: 'Name',
    track: 'minmax(9rem, 1.4fr)',
    cell: (row, tabIndex) => (
      <a class="strong" href={addressOf({ page: 'processor', name: row.name })} tabIndex={tabIndex}>
        {row.kind === 'projection' && <Icon name="projections" size={13} />}
        <NameText name={row.name} />
      </a>
    ),
  },
  {
    id: 'state',
    title: 'State',
    track: '7.5rem',
    cell: (row) => <StateChip state={row.state} />,
  },
  {
    id: 'since',
    title: 'For',
    track: '6rem',
    cell: (row) => (
      <span class="soft">
        {row.nextRetryAt !== undefined ? (
          <>
            again <Countdown untilMs={row.nextRetryAt} />
          </>
        ) : (
          row.sinceMs > 0 && (
            <>
              <span class="narrow-only faint">for </span>
              <Lasting sinceMs={row.sinceMs} />
            </>
          )
        )}
      </span>
    ),
  },
  {
    id: 'lag',
    title: 'Lag',
    track: '5rem',
    isNumber: true,
    cell: (row) =>
      row.lag === 0 ? (
        <span class="faint">0</span>
      ) : (
        <span title={`at ${count(row.position)}`}>{shortCount(row.lag)}</span>
      ),
  },
  {
    id: 'rate',
    title: 'Events/s',
    track: '5rem',
    isNumber: true,
    cell: (row) => (row.rate === 0 ? <span class="faint">0</span> : rate(row.rate)),
  },
  {
    id: 'handled',
    title: 'Handled',
    track: '5rem',
    isNumber: true,
    // What it did in a process that is gone is not known.
    cell: (row) => row.state !== 'absent' && <span class="soft">{shortCount(row.handled)}</span>,
  },
  {
    id: 'letters',
    title: 'Set aside',
    track: '9rem',
    isNumber: true,
    cell: (row, tabIndex) =>
      row.deadLetters + row.parked > 0 && (
        <a
          href={addressOf({ page: 'dead-letters' }, { processor: row.name })}
          tabIndex={tabIndex}
          title={`${count(row.deadLetters)} dead letters, ${count(row.parked)} parked`}
        >
          {row.deadLetters > 0 && `${shortCount(row.deadLetters)} dead`}
          {row.deadLetters > 0 && row.parked > 0 && ', '}
          {row.parked > 0 && `${shortCount(row.parked)} parked`}
        </a>
      ),
  },
  {
    id: 'error',
    title: 'Last error',
    track: 'minmax(7rem, 2fr)',
    cell: (row) =>
      row.lastError === undefined ? (
        <span class="faint none">none</span>
      ) : (
        <span class={row.attempts > 0 ? 'error-now' : 'soft'} title={errorText(row.lastError)}>
          {errorText(row.lastError)}
        </span>
      ),
  },
];
