/** The numbers of the store: those that move, with their last two minutes, and those that stand. */
import type { ComponentChildren } from 'preact';
import type { StoreTopic } from '../../wire.ts';
import { bytes, count, micros, rate } from '../format.ts';
import { Facts, Panel } from '../parts/panel.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { Ago } from '../parts/time.tsx';

export function VitalSigns({ store }: { readonly store: Partial<StoreTopic> }) {
  const { head = 0, rates, history, file } = store;
  const behind = file === undefined ? 0 : head - file.indexedPosition;
  return (
    <section class="vitals" aria-label="Rates">
      <Vital name="Head" value={count(head)} unit={behind > 0 ? `${count(behind)} not indexed yet` : 'all indexed'}>
        {file !== undefined && <Meter used={file.usedBytes} free={file.freeBytes} />}
      </Vital>
      <Vital name="Append" value={rate(rates?.append ?? 0)} unit="events/s">
        <Sparkline values={history?.append ?? []} label="Events appended, the last two minutes" />
      </Vital>
      <Vital name="Read" value={rate(rates?.read ?? 0)} unit="events/s">
        <Sparkline values={history?.read ?? []} label="Events read, the last two minutes" />
      </Vital>
      <Vital
        name="Commit"
        value={rates?.commitMicrosP50 === undefined ? '–' : micros(rates.commitMicrosP50)}
        unit={rates?.commitMicrosP99 === undefined ? 'none lately' : `p50 · p99 ${micros(rates.commitMicrosP99)}`}
      >
        <Sparkline values={history?.commitMicros ?? []} label="Time of a commit, the last two minutes" />
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

/** How much of the file is in use. */
function Meter({ used, free }: { readonly used: number; readonly free: number }) {
  const part = used + free === 0 ? 0 : used / (used + free);
  return (
    <div class="meter-box">
      <svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="meter-all" width="100" height="6" />
        <rect class="meter-used" width={Math.max(1, part * 100)} height="6" />
      </svg>
      <p class="small soft">
        {bytes(used)} in use, {bytes(free)} free to use again
      </p>
    </div>
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
          ['File', file && bytes(file.fileBytes)],
          ['Map', file && bytes(file.mapBytes)],
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
