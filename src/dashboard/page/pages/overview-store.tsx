/** The numbers of the store: those that move, with their last two minutes, and those that stand. */
import type { ComponentChildren } from 'preact';
import type { StoreTopic } from '../../wire.ts';
import { bytes, count, micros, rate } from '../format.ts';
import { Facts, Panel } from '../parts/panel.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { Ago } from '../parts/time.tsx';
import { growthOf } from '../spark.ts';

export function VitalSigns({ store }: { readonly store: Partial<StoreTopic> }) {
  const { head = 0, rates, history } = store;
  return (
    <section class="vitals" aria-label="Rates">
      <Vital name="Head" value={count(head)} unit={head === 1 ? 'event' : 'events'}>
        <Trend values={growthOf(history?.append ?? [])} label="Growth of the log" peak={(most) => `+${count(most)}`} />
      </Vital>
      <Vital name="Append" value={rate(rates?.append ?? 0)} unit="events/s">
        <Trend values={history?.append ?? []} label="Events appended" peak={(most) => `peak ${rate(most)}/s`} />
      </Vital>
      <Vital name="Read" value={rate(rates?.read ?? 0)} unit="events/s">
        <Trend values={history?.read ?? []} label="Events read" peak={(most) => `peak ${rate(most)}/s`} />
      </Vital>
      <Vital
        name="Commit"
        value={rates?.commitMicrosP50 === undefined ? '–' : micros(rates.commitMicrosP50)}
        unit={rates?.commitMicrosP99 === undefined ? 'none lately' : `p50 · p99 ${micros(rates.commitMicrosP99)}`}
      >
        <Trend values={history?.commitMicros ?? []} label="Time of a commit" peak={(most) => `peak ${micros(most)}`} />
      </Vital>
    </section>
  );
}

interface VitalProps {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly children: ComponentChildren;
}

function Vital({ name, value, unit, children }: VitalProps) {
  return (
    <div class="panel vital">
      <h2 class="vital-name">{name}</h2>
      <p class="vital-value">
        {value} <small>{unit}</small>
      </p>
      <div class="vital-shape">{children}</div>
    </div>
  );
}

interface TrendProps {
  readonly values: readonly number[];
  readonly label: string;
  /** The highest of the values in words. */
  readonly peak: (most: number) => string;
}

/** The last two minutes as a line, with what it is to be measured by. */
function Trend({ values, label, peak }: TrendProps) {
  const most = Math.max(0, ...values);
  return (
    <>
      <Sparkline values={values} label={`${label}, the last two minutes`} />
      <p class="vital-scale">
        <span>2 min</span>
        {most > 0 && <span>{peak(most)}</span>}
      </p>
    </>
  );
}

/** Events that reading finds without the index, from the end of the log: it is written behind the log. */
function IndexState({ behind }: { readonly behind: number }) {
  if (behind <= 0) return 'complete';
  return (
    <>
      {count(behind)} <small>to go</small>
    </>
  );
}

export function StorePanel({ store }: { readonly store: Partial<StoreTopic> }) {
  const { about, file, rates, state } = store;
  if (about === undefined) return null;
  return (
    <Panel title="Store" end={<code class="soft small">{about.path}</code>}>
      <Facts
        facts={[
          ['State', state === 'absent' ? 'no writer' : state],
          [
            'File',
            file && (
              <>
                {bytes(file.fileBytes)} {file.freeBytes > 0 && <small>{bytes(file.freeBytes)} free</small>}
              </>
            ),
          ],
          ['Map', file && bytes(file.mapBytes)],
          ['Index', file && <IndexState key="index" behind={(store.head ?? 0) - file.indexedPosition} />],
          [
            'Readers',
            file && file.readersMax > 0 && (
              <>
                {file.readers} <small>of {file.readersMax}</small>
              </>
            ),
          ],
          [
            'Commits',
            rates && (
              <>
                {rate(rates.commits)} <small>a second</small>
              </>
            ),
          ],
          ['Durability', about.durability],
          ['Encryption', about.encrypted ? 'on' : 'off'],
          ['Process', about.pid],
          ['Started', about.startedMs !== undefined && <Ago ms={about.startedMs} />],
          ['Version', about.version],
        ]}
      />
    </Panel>
  );
}
