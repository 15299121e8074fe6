/**
 * One processor: its statechart as it stands, what it did, what failed, and what it can be ordered. With partitions one of them is
 * looked at, which the address names.
 */
import { useState } from 'preact/hooks';
import type { Chart, ProcessorTopic, StoreTopic } from '../../wire.ts';
import { useGet } from '../api.ts';
import { type Lane, laneIn, laneStates, lanesOf, worstLane } from '../lanes.ts';
import { useTopic } from '../live.ts';
import { Announcer } from '../parts/announcer.tsx';
import { ChartPanel } from '../parts/chart-view.tsx';
import { Chip, StateChip } from '../parts/chip.tsx';
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Loading, Missing } from '../parts/panel.tsx';
import { shown } from '../parts/plain-text.ts';
import { useParam } from '../route.ts';
import { wordOf } from '../states.ts';
import { ActionBar } from './processor-actions.tsx';
import { HistoryPanel } from './processor-history.tsx';
import { LanesPanel } from './processor-lanes.tsx';
import { AbsentPanel, NumbersPanel, TroubleNote } from './processor-numbers.tsx';
import './processor.css';

export function ProcessorPage({ place: { name } }: { readonly place: { readonly name: string } }) {
  const topic = useTopic<ProcessorTopic>(`processor:${name}`);
  const about = useTopic<StoreTopic>('store')?.about;
  const image = topic?.image;
  const crumb = <Link to={{ page: 'overview' }}>Overview</Link>;
  if (topic === undefined || image === undefined)
    return (
      <Page title={shown(name)} crumb={crumb} beside={topic?.row && <StateChip state={topic.row.state} />}>
        {topic === undefined ? (
          <Loading />
        ) : topic.row === undefined ? (
          <Missing text="There is no processor of this name." />
        ) : (
          <AbsentPanel row={topic.row} />
        )}
      </Page>
    );
  const lanes = lanesOf(topic);
  return (
    <Page
      title={shown(name)}
      crumb={crumb}
      beside={
        <>
          <StateChip state={image.status.state} />
          {image.kind === 'projection' && (
            <Link to={{ page: 'projection', name }}>
              <Chip text="projection" icon="projections" />
            </Link>
          )}
        </>
      }
      end={<ActionBar name={name} image={image} lanes={lanes} allowed={about?.actions} />}
    >
      <Announcer text={`${shown(name)}: ${wordOf(image.status.state)}`} />
      <ProcessorBody topic={topic} image={image} lanes={lanes} />
    </Page>
  );
}

interface BodyProps {
  readonly topic: Partial<ProcessorTopic>;
  readonly image: ProcessorTopic['image'];
  readonly lanes: readonly Lane[];
}

function ProcessorBody({ topic, image, lanes }: BodyProps) {
  const states = laneStates(image);
  const [named] = useParam('lane');
  // Where one looks first does not change by itself afterwards.
  const [first] = useState(() => worstLane(states));
  const index = laneIn(named, states.length) ?? Math.min(first, states.length - 1);
  const lane = lanes[index];
  const chart = useGet<Chart>('api/charts/processor');
  return (
    <div class="processor">
      <div class="processor-trouble">
        <TroubleNote status={image.status} lanes={lanes} failures={topic.failures ?? []} />
      </div>
      <div class="processor-side">
        <NumbersPanel image={image} index={index} row={topic.row} />
        {states.length > 1 && <LanesPanel image={image} selected={index} />}
        <HistoryPanel topic={topic} image={image} index={index} />
      </div>
      <div class="processor-chart">
        <ChartPanel
          key={index}
          title={states.length > 1 ? `Partition ${index}` : 'Statechart'}
          chart={chart}
          active={lane?.active ?? []}
          transition={lane?.transition}
          untilMs={(image.status.partitions?.[index] ?? image.status).context.nextRetryAt}
        />
      </div>
    </div>
  );
}
