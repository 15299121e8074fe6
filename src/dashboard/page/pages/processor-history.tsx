/** What a processor did lately: its states as a band and as a list, and what failed, with stacks. */
import type { ComponentChildren } from 'preact';
import type { FailureImage, StateChange } from '../../../../actors/bus-status.ts';
import type { ProcessorTopic } from '../../wire.ts';
import { count, shortSpan, span } from '../format.ts';
import { errorText } from '../health.ts';
import { laneStates, stretches, type Timed, timed } from '../lanes.ts';
import { useNow } from '../now.ts';
import { StateChip } from '../parts/chip.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { Icon } from '../parts/icon.tsx';
import { Link } from '../parts/link.tsx';
import { Empty } from '../parts/panel.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Ago, At, Lasting } from '../parts/time.tsx';
import { useParam } from '../route.ts';
import { lookOf, wordOf } from '../states.ts';

type Laned<T> = T & { readonly lane: number };

interface HistoryProps {
  readonly topic: Partial<ProcessorTopic>;
  readonly image: ProcessorTopic['image'];
  readonly index: number;
}

export function HistoryPanel({ topic: { changes = [], failures = [] }, image, index }: HistoryProps) {
  const [tab, setTab] = useParam('tab');
  const states = laneStates(image);
  const isParted = states.length > 1;
  return (
    <section class="panel" aria-label="History">
      <Tabs
        label="History"
        selected={tab}
        onSelect={(id) => setTab(id === 'timeline' ? '' : id)}
        tabs={[
          {
            id: 'timeline',
            title: 'Timeline',
            content: () => (
              <>
                <Band
                  changes={changes.filter(({ lane }) => lane === index)}
                  state={states[index] ?? image.status.state}
                />
                <Changes changes={timed(changes)} isParted={isParted} />
              </>
            ),
          },
          {
            id: 'failures',
            title: 'Failures',
            count: failures.length,
            content: () => <Failures failures={failures} isParted={isParted} />,
          },
        ]}
      />
    </section>
  );
}

/** What the band shows. Milliseconds. */
const bandMs = 300_000;

function Band({ changes, state }: { readonly changes: readonly StateChange[]; readonly state: StateChange['to'] }) {
  const now = useNow();
  const found = stretches(changes, state, now - bandMs, now);
  return (
    <figure class="band">
      <svg
        viewBox="0 0 1000 16"
        preserveAspectRatio="none"
        role="img"
        aria-label={`The last five minutes. Now ${wordOf(state)}`}
      >
        <rect class="meter-all" width="1000" height="16" />
        {found.map((stretch) => {
          const x = ((stretch.fromMs - now + bandMs) / bandMs) * 1000;
          const width = Math.max(1, ((stretch.toMs - stretch.fromMs) / bandMs) * 1000);
          return (
            <rect key={stretch.fromMs} class={`stretch ${lookOf(stretch.state).tone}`} x={x} width={width} height="16">
              <title>{`${wordOf(stretch.state)}, ${span(stretch.toMs - stretch.fromMs)}`}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption class="small faint">
        <span>5 min ago</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

function Changes({
  changes,
  isParted,
}: {
  readonly changes: readonly Timed<Laned<StateChange>>[];
  readonly isParted: boolean;
}) {
  if (changes.length === 0) return <Empty icon="clock" text="No change of state since it was made." />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <ol class="changes" aria-label="Changes of state" tabIndex={0}>
      {changes.map((change) => (
        <li key={`${change.lane} ${change.atMs} ${change.from} ${change.to}`} class="change">
          <span class="soft">
            <At ms={change.atMs} />
          </span>
          {isParted && <Lane index={change.lane} />}
          <span class="change-from faint">{wordOf(change.from)}</span>
          <Icon name="right" size={11} />
          <span>
            <span class="hidden-text">to</span>
            <StateChip state={change.to} />
          </span>
          <span class="small faint">
            {change.untilMs === undefined ? (
              <>
                for <Lasting sinceMs={change.atMs} />
              </>
            ) : (
              <span class="nowrap">{shortSpan(change.untilMs - change.atMs)}</span>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Lane({ index }: { readonly index: number }) {
  return (
    <span class="lane-mark small faint" title={`Partition ${index}`}>
      #{index}
    </span>
  );
}

function Failures({
  failures,
  isParted,
}: {
  readonly failures: readonly Laned<FailureImage>[];
  readonly isParted: boolean;
}) {
  if (failures.length === 0) return <Empty icon="check" text="Nothing has failed since it was made." />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <ol class="failures" aria-label="Failures" tabIndex={0}>
      {failures.map((failure) => (
        <li key={`${failure.lane} ${failure.atMs} ${failure.attempt}`}>
          <Failure failure={failure} mark={isParted && <Lane index={failure.lane} />} />
        </li>
      ))}
    </ol>
  );
}

const phases: Readonly<Record<FailureImage['phase'], string>> = {
  load: 'reading its position',
  work: 'handling',
  save: 'saving its position',
  reset: 'moving its position',
  watch: 'waiting for events',
  replay: 'trying dead letters again',
};

function Failure({ failure, mark }: { readonly failure: FailureImage; readonly mark: ComponentChildren }) {
  const { atMs, phase, attempt, stack, event } = failure;
  const line = (
    <>
      <span class="failure-head small soft">
        <Ago ms={atMs} /> {mark}
        <span>while {phases[phase]}</span>
        {attempt > 1 && <span>attempt {count(attempt)}</span>}
      </span>
      <span class="failure-text">{errorText(failure)}</span>
    </>
  );
  return (
    <>
      {stack === undefined ? (
        <div class="failure">{line}</div>
      ) : (
        <details class="failure">
          <summary>{line}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
          <pre class="stack" tabIndex={0}>
            {stack}
          </pre>
        </details>
      )}
      {event !== undefined && (
        <p class="failure-event small">
          <Link to={{ page: 'event', position: String(event.position) }}>
            Event {count(event.position)} <NameText name={event.type} />
          </Link>{' '}
          <span class="soft">
            of <NameText name={event.stream} />
          </span>
        </p>
      )}
    </>
  );
}
