/** The numbers of a processor, or of one of its partitions, and what is wrong with it now. */
import type { ProcessorStatus } from '../../../../actors/processor-status.ts';
import type { ProcessorRow, ProcessorTopic } from '../../wire.ts';
import { count, rate } from '../format.ts';
import { errorText } from '../health.ts';
import type { Lane } from '../lanes.ts';
import { useNow } from '../now.ts';
import { NameText } from '../parts/event-parts.tsx';
import { Link } from '../parts/link.tsx';
import { Facts, Note, Panel } from '../parts/panel.tsx';
import { Ago, Countdown, Lasting } from '../parts/time.tsx';
import { wordOf } from '../states.ts';

interface NumbersProps {
  readonly image: ProcessorTopic['image'];
  /** Of the lane that is looked at. */
  readonly index: number;
  /** Of all lanes. */
  readonly row: ProcessorRow | undefined;
}

export function NumbersPanel({ image, index, row }: NumbersProps) {
  const lane = image.status.partitions?.[index] ?? image.status;
  const { position, cursor, head, lag, handled, batches, generation, since, ...rest } = lane.context;
  const isPart = image.status.partitions !== undefined && image.status.partitions.length > 1;
  return (
    <Panel
      title={isPart ? `Progress of partition ${index}` : 'Progress'}
      end={
        since > 0 && (
          <span class="soft small">
            {wordOf(lane.state)} for <Lasting sinceMs={since} />
          </span>
        )
      }
    >
      <div class="progress-box">
        <p class="progress-line">
          <span>
            <strong>{count(position)}</strong> <span class="soft">of {count(head)}</span>
          </span>
          <span class={lag === 0 ? 'soft' : undefined}>{lag === 0 ? 'has caught up' : `${count(lag)} behind`}</span>
        </p>
        <svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
          <rect class="meter-all" width="100" height="6" />
          <rect class="meter-used" width={head === 0 ? 0 : (position / head) * 100} height="6" />
        </svg>
      </div>
      <Facts
        facts={[
          ['Saved position', count(cursor)],
          ['Handled', count(handled)],
          ['Events a second', row !== undefined && !isPart && rate(row.rate)],
          ['Batches', count(batches)],
          ['Failures in a row', count(rest.attempts)],
          ['Waits to retry', count(rest.retries)],
          ['Set aside', row !== undefined && <SetAside key="aside" row={row} />],
          ['Given up', rest.deadLettered > 0 && count(rest.deadLettered)],
          ['Parked', rest.parked > 0 && count(rest.parked)],
          ['Skipped', rest.skipped > 0 && count(rest.skipped)],
          ['Replayed', rest.replayed > 0 && count(rest.replayed)],
          ['Erased', rest.erased > 0 && count(rest.erased)],
          ['Generation', generation > 1 && count(generation)],
          [
            'Version',
            image.build &&
              `${image.build.activeVersion ?? '–'}${image.build.isBuilding ? `, builds ${image.build.version}` : ''}`,
          ],
        ]}
      />
      <Wants wants={image.wants} />
    </Panel>
  );
}

/** What is there now, also from earlier runs. */
function SetAside({ row: { name, deadLetters, parked } }: { readonly row: ProcessorRow }) {
  if (deadLetters + parked === 0) return <span class="faint">none</span>;
  return (
    <Link to={{ page: 'dead-letters' }} query={{ processor: name }}>
      {count(deadLetters)} <small>dead</small> {count(parked)} <small>parked</small>
    </Link>
  );
}

/** A processor that only has a place in the store. */
export function AbsentPanel({ row }: { readonly row: ProcessorRow }) {
  return (
    <Panel title="Progress">
      <p class="soft absent-text">
        It does not run here: only its place in the store is known. What the app makes with bus.processor() goes on from
        it.
      </p>
      <Facts
        facts={[
          ['Saved position', count(row.position)],
          ['Behind', count(row.lag)],
          ['Last saved', row.sinceMs > 0 && <Ago key="since" ms={row.sinceMs} />],
          ['Partitions', row.partitions > 0 && count(row.partitions)],
          ['Set aside', <SetAside key="aside" row={row} />],
        ]}
      />
    </Panel>
  );
}

function Wants({ wants: { types, streams, prefix } }: { readonly wants: ProcessorTopic['image']['wants'] }) {
  if (types === undefined && streams === undefined && prefix === undefined) return null;
  return (
    <p class="wants soft">
      Wants {types === undefined ? 'all events' : <Names names={types} />}
      {prefix !== undefined && (
        <>
          {' '}
          of streams that begin with{' '}
          <Link to={{ page: 'streams' }} query={{ prefix }}>
            <NameText name={prefix} />
          </Link>
        </>
      )}
      {streams !== undefined && (
        <>
          {' '}
          of <Names names={streams} />
        </>
      )}
    </p>
  );
}

/** More names are no line any more. */
const namesMax = 12;

function Names({ names }: { readonly names: readonly string[] }) {
  return (
    <>
      {names.slice(0, namesMax).map((name, at) => (
        <span key={name}>
          {at > 0 && ', '}
          <code>
            <NameText name={name} />
          </code>
        </span>
      ))}
      {names.length > namesMax && ` and ${count(names.length - namesMax)} more`}
    </>
  );
}

interface TroubleProps {
  readonly status: ProcessorStatus;
  readonly lanes: readonly Lane[];
  /** Newest first. */
  readonly failures: ProcessorTopic['failures'];
}

/** What of many partitions is told; their grid shows the others. */
const troublesMax = 3;

/** So long it is told what failed last: what fails again and again does not move what stands below. Milliseconds. */
const lastFailureMs = 60_000;

/** Why it does not go on, with the event that fails; afterwards, for a while, what that was. */
export function TroubleNote({ status, lanes, failures }: TroubleProps) {
  const now = useNow();
  const parts = status.partitions ?? [status];
  const troubled = parts
    .map((part, index) => ({ part, index }))
    .filter(({ part }) => part.tags.includes('unhealthy') || part.state === 'failed');
  if (troubled.length === 0) {
    const [last] = failures;
    if (last === undefined || now - last.atMs >= lastFailureMs) return null;
    return <LastFailure failure={last} isPart={parts.length > 1} />;
  }
  return (
    <>
      {troubled.slice(0, troublesMax).map(({ part, index }) => (
        <Trouble key={index} status={part} failing={lanes[index]?.failing} {...(parts.length > 1 && { index })} />
      ))}
      {troubled.length > troublesMax && <p class="soft small">and {troubled.length - troublesMax} more partitions</p>}
    </>
  );
}

interface LastFailureProps {
  readonly failure: ProcessorTopic['failures'][number];
  readonly isPart: boolean;
}

/** As high as what it was while it lasted. */
function LastFailure({ failure, isPart }: LastFailureProps) {
  const { atMs, lane, event } = failure;
  return (
    <Note>
      <p>
        Last failure <Ago ms={atMs} />
        {isPart && `, in partition ${lane}`}
      </p>
      {event !== undefined && (
        <p>
          <EventOfStream event={event} />
        </p>
      )}
      <p class="mono trouble-error">{errorText(failure)}</p>
    </Note>
  );
}

function EventOfStream({
  event: { position, stream, type },
}: {
  readonly event: NonNullable<ProcessorTopic['failures'][number]['event']>;
}) {
  return (
    <>
      <Link to={{ page: 'event', position: String(position) }}>
        Event {count(position)} <NameText name={type} />
      </Link>{' '}
      of{' '}
      <Link to={{ page: 'stream', name: stream }}>
        <NameText name={stream} />
      </Link>
    </>
  );
}

interface OneTroubleProps {
  readonly status: ProcessorStatus;
  readonly failing: Lane['failing'];
  readonly index?: number;
}

function Trouble({ status: { state, context }, failing, index }: OneTroubleProps) {
  const { lastError, nextRetryAt, attempts, isCircuitOpen } = context;
  return (
    <Note tone={state === 'failed' ? 'bad' : 'warn'}>
      <p>
        <strong>
          {index === undefined ? capital(troubleWords(state)) : `Partition ${index} ${troubleWords(state)}`}
          {nextRetryAt !== undefined && (
            <>
              {' '}
              <Countdown untilMs={nextRetryAt} />
            </>
          )}
        </strong>
        {attempts > 0 && ` after ${count(attempts)} ${attempts === 1 ? 'failure' : 'failures'}`}
        {isCircuitOpen && ', because too many events were given up in a row'}
      </p>
      {failing !== undefined && (
        <p>
          <EventOfStream event={failing} /> fails, first <Ago ms={failing.sinceMs} />
        </p>
      )}
      {lastError !== undefined && <p class="mono trouble-error">{errorText(lastError)}</p>}
    </Note>
  );
}

function troubleWords(state: string): string {
  if (state === 'failed') return 'has failed';
  return state === 'poisoned' ? 'gives up an event' : 'tries again';
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
