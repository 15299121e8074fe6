/** What stands for an event in lists: its place, its time, its names, and whether it is sealed or erased, in words. */
import type { EventRow } from '../../wire.ts';
import { count } from '../format.ts';
import { addressOf } from '../routes.ts';
import { Chip } from './chip.tsx';
import { Icon } from './icon.tsx';
import { beginning, shown } from './plain-text.ts';
import { At } from './time.tsx';
import type { Column } from './virtual-list.tsx';

/** Characters of a name that are shown; it has up to 512 bytes. */
const nameCharsMax = 200;

/** A name of the user's: of a stream, a type, a subject, a key. Whole in the title. */
export function NameText({ name }: { readonly name: string }) {
  const text = shown(name);
  return <bdi title={text}>{beginning(text, nameCharsMax)}</bdi>;
}

interface Marked {
  readonly sealed?: true;
  readonly erased?: true;
  readonly redacted?: true;
}

/** Sealed is what most events of an encrypted store are: it is said quietly. */
export function EventMarks({ event }: { readonly event: Marked }) {
  return (
    <>
      {event.erased && <Chip tone="warn" icon="erased" text="erased" />}
      {event.sealed && !event.erased && (
        <span class="mark">
          <Icon name="lock" size={12} />
          sealed
        </span>
      )}
      {event.redacted && <Chip tone="odd" icon="lock" text="redacted" />}
    </>
  );
}

export const positionColumn: Column<EventRow> = {
  id: 'position',
  title: 'Position',
  track: '6.5rem',
  isNumber: true,
  cell: (event) => <span class="soft">{count(event.position)}</span>,
};

export const versionColumn: Column<EventRow> = {
  id: 'version',
  title: 'Version',
  track: '5rem',
  isNumber: true,
  cell: (event) => <>{count(event.version)}</>,
};

export const timeColumn: Column<EventRow> = {
  id: 'time',
  title: 'Time',
  track: '7rem',
  cell: (event) => <At ms={event.timeMs} />,
};

/** The link to the event. */
export const typeColumn: Column<EventRow> = {
  id: 'type',
  title: 'Type',
  track: 'minmax(5rem, 1fr)',
  cell: (event, tabIndex) => (
    <a class="strong" href={addressOf({ page: 'event', position: String(event.position) })} tabIndex={tabIndex}>
      <NameText name={event.type} />
    </a>
  ),
};

export const streamColumn: Column<EventRow> = {
  id: 'stream',
  title: 'Stream',
  track: 'minmax(5rem, 1.4fr)',
  cell: (event, tabIndex) => (
    <a class="quiet" href={addressOf({ page: 'stream', name: event.stream })} tabIndex={tabIndex}>
      <NameText name={event.stream} />
    </a>
  ),
};

/** The columns, with one for what is sealed or erased if anything is. */
export function withMarks(
  columns: readonly Column<EventRow>[],
  rows: readonly EventRow[],
): readonly Column<EventRow>[] {
  return rows.some(({ sealed, erased }) => sealed || erased) ? [...columns, marksColumn] : columns;
}

const marksColumn: Column<EventRow> = {
  id: 'marks',
  title: 'Payload',
  track: '6.5rem',
  cell: (event) => <EventMarks event={event} />,
};
