/** One of the user's machines: its chart as it stands, and what moved it lately. */
import type { ComponentChildren } from 'preact';
import type { Chart, MachineChange, MachineImage, StoreTopic } from '../../wire.ts';
import { useGet } from '../api.ts';
import { eventWords } from '../event-words.ts';
import { useTopic } from '../live.ts';
import { ChartPanel } from '../parts/chart-view.tsx';
import { StateChip } from '../parts/chip.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Missing, Note, Panel } from '../parts/panel.tsx';
import { shown } from '../parts/plain-text.ts';
import { At } from '../parts/time.tsx';
import { machinesAbsent } from './machines.tsx';
import './machines.css';

interface MachineTopic {
  readonly image: MachineImage;
  /** Newest first. */
  readonly changes: readonly MachineChange[];
}

const noMachine = 'There is no machine of this id.';

export function MachinePage({ place: { id } }: { readonly place: { readonly id: string } }) {
  // A topic of no machine would be refused, and with it all others.
  const about = useTopic<StoreTopic>('store')?.about;
  const crumb = <Link to={{ page: 'machines' }}>Machines</Link>;
  if (about?.machines.includes(id)) return <Machine id={id} crumb={crumb} />;
  return (
    <Page title={shown(id)} crumb={crumb}>
      {about === undefined ? <Loading /> : <Missing text={about.source === 'file' ? machinesAbsent : noMachine} />}
    </Page>
  );
}

function Machine({ id, crumb }: { readonly id: string; readonly crumb: ComponentChildren }) {
  const topic = useTopic<MachineTopic>(`machine:${id}`);
  const chart = useGet<Chart>(`api/charts/${encodeURIComponent(`machine:${id}`)}`);
  const image = topic?.image;
  if (image === undefined)
    return (
      <Page title={shown(id)} crumb={crumb}>
        {topic === undefined ? <Loading /> : <Missing text={noMachine} />}
      </Page>
    );
  return (
    <Page title={shown(image.title)} crumb={crumb} beside={<StateChip state={image.status} />}>
      {image.error !== undefined && (
        <Note tone="bad">
          <p class="mono">{image.error}</p>
        </Note>
      )}
      <div class="machine-body">
        <ChartPanel title="Statechart" chart={chart} active={image.active} transition={image.transition} />
        <Panel title="Events" isFlush>
          <Moves changes={topic?.changes ?? []} />
        </Panel>
      </div>
    </Page>
  );
}

function Moves({ changes }: { readonly changes: readonly MachineChange[] }) {
  if (changes.length === 0) return <Empty icon="clock" text="Nothing has moved it while this page was open." />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <ol class="moves" aria-label="Events" tabIndex={0}>
      {changes.map((change) => (
        <li key={`${change.atMs} ${change.event} ${change.to.at(-1)}`}>
          <span class="soft">
            <At ms={change.atMs} />
          </span>
          <span class="cut" title={change.event}>
            {shown(eventWords(change.event))}
          </span>
          <code class="cut soft">
            <NameText name={change.to.at(-1) ?? ''} />
          </code>
        </li>
      ))}
    </ol>
  );
}
