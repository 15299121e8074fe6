/** The columns of dead letters. */
import type { LetterRow } from '../../wire.ts';
import { count } from '../format.ts';
import { Chip, StateChip } from '../parts/chip.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { beginning, shown } from '../parts/plain-text.ts';
import { Ago } from '../parts/time.tsx';
import type { Column } from '../parts/virtual-list.tsx';

interface LetterColumnsProps {
  readonly isChosen: (position: number) => boolean;
  /** Absent where nothing may be ordered. */
  readonly onChoose: ((position: number, isChosen: boolean) => void) | undefined;
  readonly onOpen: (position: number) => void;
}

/** Characters of an error's message that a row has room for. */
const messageCharsMax = 200;

export function letterColumns({ isChosen, onChoose, onOpen }: LetterColumnsProps): readonly Column<LetterRow>[] {
  const check: Column<LetterRow> = {
    id: 'check',
    title: <span class="hidden-text">Chosen</span>,
    track: '1.25rem',
    cell: ({ position }, tabIndex) => (
      <input
        type="checkbox"
        aria-label={`Choose the letter at ${position}`}
        tabIndex={tabIndex}
        checked={isChosen(position)}
        onChange={(event) => onChoose?.(position, event.currentTarget.checked)}
      />
    ),
  };
  const columns: readonly Column<LetterRow>[] = [
    {
      id: 'event',
      title: 'Event',
      track: 'minmax(9rem, 1fr)',
      cell: ({ position, stream, type }, tabIndex) => (
        <>
          <button type="button" class="opener cut" tabIndex={tabIndex} onClick={() => onOpen(position)}>
            <NameText name={type} />
          </button>
          <div class="cut small soft">
            {count(position)} · <NameText name={stream} />
          </div>
        </>
      ),
    },
    {
      id: 'error',
      title: 'Last error',
      track: 'minmax(9rem, 1.5fr)',
      cell: ({ error }) =>
        error === undefined ? (
          <span class="faint">not kept</span>
        ) : (
          <>
            <div class="cut">{shown(beginning(error.message, messageCharsMax)) || 'no message'}</div>
            <div class="cut small faint mono">
              {shown(error.code === undefined ? error.name : `${error.name} ${error.code}`)}
            </div>
          </>
        ),
    },
    {
      id: 'tries',
      title: 'Tries',
      track: '6rem',
      cell: ({ attempts, lastMs }) => (
        <>
          <div>
            {count(attempts)} {attempts === 1 ? 'try' : 'tries'}
          </div>
          <div class="small faint">
            <Ago ms={lastMs} />
          </div>
        </>
      ),
    },
    {
      id: 'state',
      title: 'State',
      track: '7rem',
      cell: ({ state, isParked, parkedBehind }) => (
        <>
          <StateChip state={state} />
          {isParked && (
            <div class="small soft">
              <Chip
                tone="odd"
                icon="state-odd"
                text={parkedBehind === 0 ? 'parked' : `${count(parkedBehind)} behind`}
              />
            </div>
          )}
        </>
      ),
    },
  ];
  return onChoose === undefined ? columns : [check, ...columns];
}
