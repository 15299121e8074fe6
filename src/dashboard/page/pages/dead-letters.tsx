/** The dead letters of a processor: to filter, to look into, to try again, to discard. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LetterRow, LettersPage, ProcessorRow, StoreTopic } from '../../wire.ts';
import { get } from '../api.ts';
import { count } from '../format.ts';
import { useTopic } from '../live.ts';
import { Button } from '../parts/button.tsx';
import { useEndless } from '../parts/endless.ts';
import { FilterField, FilterSelect } from '../parts/filters.tsx';
import { keepFocus } from '../parts/focus.ts';
import { ListFoot } from '../parts/list-foot.tsx';
import { Page } from '../parts/page.tsx';
import { Pair } from '../parts/pair.tsx';
import { Empty, Loading, Note } from '../parts/panel.tsx';
import { shown } from '../parts/plain-text.ts';
import { tell } from '../parts/toast.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { setParams, useParam } from '../route.ts';
import { LetterDialog, type LetterTask } from './letter-dialog.tsx';
import { LetterPanel } from './letter-panel.tsx';
import { letterColumns } from './letter-row.tsx';
import './lists.css';
import './dead-letters.css';

/** `'all'`: those that are not shown, too. */
type Chosen = ReadonlySet<number> | 'all';

/** Letters asked for at a time. */
const pageLetters = 100;
/** Positions that the server takes at a time. */
const chosenMax = 1000;

const states = [
  { value: 'dead', text: 'Dead' },
  { value: 'waiting', text: 'Waiting to be tried again' },
  { value: 'discarded', text: 'Discarded' },
];

export function DeadLettersPage() {
  const processors = useTopic<Record<string, ProcessorRow>>('processors');
  const [asked] = useParam('processor');
  const rows = Object.values(processors ?? {}).filter(
    (row) => row !== undefined && mayHaveLetters(row),
  ) as ProcessorRow[];
  const isUnknown = processors !== undefined && asked !== '' && processors[asked] === undefined;
  const offered = asked === '' ? mostLetters(rows) : undefined;
  useEffect(() => {
    if (offered !== undefined) setParams({ processor: offered });
  }, [offered]);
  return (
    <Page title="Dead letters">
      {processors === undefined && asked === '' && <Loading />}
      {processors !== undefined && rows.length === 0 && asked === '' && (
        <section class="panel">
          <Empty icon="letters" text="There is no processor that could have given something up." />
        </section>
      )}
      {isUnknown && <Note tone="warn">There is no processor {shown(asked)}.</Note>}
      {asked !== '' && <Letters key={asked} processor={asked} rows={rows} />}
    </Page>
  );
}

/** A projection gives nothing up; a processor of its name may have. */
function mayHaveLetters({ kind, deadLetters }: ProcessorRow): boolean {
  return kind === 'processor' || deadLetters > 0;
}

/** Which processor is shown when none was chosen. */
function mostLetters(rows: readonly ProcessorRow[]): string | undefined {
  return rows.reduce<ProcessorRow | undefined>(
    (most, row) => (row.deadLetters > (most?.deadLetters ?? -1) ? row : most),
    undefined,
  )?.name;
}

function Letters({ processor, rows }: { readonly processor: string; readonly rows: readonly ProcessorRow[] }) {
  const [state] = useParam('state');
  const [stream] = useParam('stream');
  const [type] = useParam('type');
  const [opened] = useParam('letter');
  const [chosen, setChosen] = useState<Chosen>(new Set());
  const [task, setTask] = useState<LetterTask | undefined>(undefined);
  const [orders, setOrders] = useState(0);
  const actions = useTopic<StoreTopic>('store')?.about?.actions ?? [];

  const question = `${state}\n${stream}\n${type}`;
  const list = useEndless<LetterRow, number>(question, async (after, signal) => {
    const path = `api/processors/${encodeURIComponent(processor)}/letters`;
    const { letters, next } = await get<LettersPage>(path, { state, stream, type, after, limit: pageLetters }, signal);
    return { rows: letters, next };
  });
  useEffect(() => setChosen(new Set()), [question]);
  // The letter that was discarded, or handled, takes its row with it.
  useEffect(() => {
    if (orders > 0 && !list.isWaiting) keepFocus();
  }, [orders, list.isWaiting]);
  const row = rows.find(({ name }) => name === processor);
  useReloadOnChange(
    row?.deadLetters,
    chosen !== 'all' && chosen.size === 0 && list.rows.length <= pageLetters,
    list.reload,
  );

  const open = (position: number) => setParams({ letter: position }, true);
  const close = () => setParams({ letter: '' });
  const choose = (position: number, isChosen: boolean) => {
    const next = new Set(chosen === 'all' ? list.rows.map((letter) => letter.position) : chosen);
    if (isChosen && next.size < chosenMax) next.add(position);
    else next.delete(position);
    setChosen(next);
  };
  const isChosen = (position: number) => chosen === 'all' || chosen.has(position);
  const finish = (text: string) => {
    setTask(undefined);
    setOrders(orders + 1);
    tell(text);
    setChosen(new Set());
    // It may be gone now, or another one than it was.
    if (task?.positions === 'all' || task?.positions.includes(Number(opened))) close();
    list.reload();
  };

  const canRetry = actions.includes('retry-letters');
  const canDiscard = actions.includes('discard-letters');
  const isEmpty = list.rows.length === 0;
  const isFiltered = state + stream + type !== '';
  const isOpen = opened !== '';
  return (
    <>
      <search class="filters">
        <FilterSelect name="processor" label="Processor" options={optionsOf(rows)} clears="letter" />
        <FilterSelect name="state" label="State" all="Dead and waiting" options={states} />
        <FilterField name="stream" label="Stream" placeholder="all streams" />
        <FilterField name="type" label="Type" placeholder="all types" />
      </search>
      <Pair
        list={
          <section class="panel" aria-label="Letters" aria-busy={list.isWaiting}>
            {!isEmpty && (canRetry || canDiscard) && (
              <ChosenBar
                all={list.rows}
                hasMore={!isFiltered && list.more !== undefined}
                chosen={chosen}
                onChoose={setChosen}
                onRetry={canRetry ? () => setTask({ action: 'retry', positions: positionsOf(chosen) }) : undefined}
                onDiscard={
                  canDiscard ? () => setTask({ action: 'discard', positions: positionsOf(chosen) }) : undefined
                }
              />
            )}
            {isEmpty && list.isWaiting && <Loading />}
            {isEmpty && !list.isWaiting && list.error === undefined && list.more === undefined && (
              <Empty
                icon={isFiltered ? 'filter' : 'check'}
                text={isFiltered ? 'No letter is like that.' : `${shown(processor)} has given nothing up.`}
              />
            )}
            {!isEmpty && (
              <VirtualList
                label={`Dead letters of ${shown(processor)}`}
                name={canRetry || canDiscard ? 'list-letters choosing' : 'list-letters'}
                columns={letterColumns({
                  isChosen,
                  onChoose: canRetry || canDiscard ? choose : undefined,
                  onOpen: open,
                })}
                rows={list.rows}
                keyOf={(letter) => letter.position}
                current={isOpen ? Number(opened) : undefined}
                onEnd={list.moreByItself}
                height={{ wide: 3.5, narrow: 5.25 }}
              />
            )}
            {(!isEmpty || list.error !== undefined || list.more !== undefined) && (
              <ListFoot list={list} one="letter" many="letters" />
            )}
          </section>
        }
        detail={
          isOpen ? (
            <LetterPanel
              // What was done to it is seen at once.
              key={`${opened} ${orders}`}
              processor={processor}
              position={opened}
              onClose={close}
              onRetry={canRetry ? (position) => setTask({ action: 'retry', positions: [position] }) : undefined}
              onDiscard={canDiscard ? (position) => setTask({ action: 'discard', positions: [position] }) : undefined}
            />
          ) : undefined
        }
      />
      {task !== undefined && (
        <LetterDialog processor={processor} task={task} row={row} onClose={() => setTask(undefined)} onDone={finish} />
      )}
    </>
  );
}

function optionsOf(rows: readonly ProcessorRow[]) {
  return rows
    .map(({ name, deadLetters }) => ({ value: name, text: deadLetters > 0 ? `${name} (${count(deadLetters)})` : name }))
    .sort((first, second) => (first.value < second.value ? -1 : 1));
}

/** A list of one page follows what the processor does; a longer one would jump. */
function useReloadOnChange(value: number | undefined, isAllowed: boolean, reload: () => void): void {
  const seen = useRef(value);
  useEffect(() => {
    if (seen.current !== undefined && value !== seen.current && isAllowed) reload();
    seen.current = value;
  }, [value]);
}

function positionsOf(chosen: Chosen): readonly number[] | 'all' {
  return chosen === 'all' ? chosen : [...chosen];
}

interface ChosenBarProps {
  readonly all: readonly LetterRow[];
  /** There are more than are shown, and nothing is filtered: all may be meant. */
  readonly hasMore: boolean;
  readonly chosen: Chosen;
  readonly onChoose: (chosen: Chosen) => void;
  readonly onRetry: (() => void) | undefined;
  readonly onDiscard: (() => void) | undefined;
}

function ChosenBar({ all, hasMore, chosen, onChoose, onRetry, onDiscard }: ChosenBarProps) {
  const size = chosen === 'all' ? Number.POSITIVE_INFINITY : chosen.size;
  const isAll = size >= Math.min(all.length, chosenMax);
  const shown = all.slice(0, chosenMax).map(({ position }) => position);
  return (
    <div class="chosen-bar">
      <label class="check">
        <input
          type="checkbox"
          checked={isAll}
          ref={(box) => {
            if (box) box.indeterminate = size > 0 && !isAll;
          }}
          onChange={() => onChoose(isAll ? new Set() : new Set(shown))}
        />
        {wordsFor(chosen, shown.length)}
      </label>
      {isAll && hasMore && chosen !== 'all' && (
        <Button kind="plain" onClick={() => onChoose('all')}>
          Choose all that there are
        </Button>
      )}
      <div class="buttons">
        {onRetry && (
          <Button icon="retry" disabled={size === 0} onClick={onRetry}>
            Retry
          </Button>
        )}
        {onDiscard && (
          <Button icon="trash" disabled={size === 0} onClick={onDiscard}>
            Discard
          </Button>
        )}
      </div>
    </div>
  );
}

function wordsFor(chosen: Chosen, shown: number): string {
  if (chosen === 'all') return 'All chosen, those not shown too';
  return chosen.size === 0 ? `All ${count(shown)} shown` : `${count(chosen.size)} chosen`;
}
