/** The machines that the app shows here beside ours. */
import type { MachineImage, StoreTopic } from '../../wire.ts';
import { useTopic } from '../live.ts';
import { StateChip } from '../parts/chip.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading } from '../parts/panel.tsx';
import { innermostOf } from '../states.ts';
import './machines.css';

/** Where the dashboard runs beside the app. */
export const machinesAbsent = 'Machines of the app are only on the dashboard that runs in it.';

export function MachinesPage() {
  const topic = useTopic<Record<string, MachineImage>>('machines');
  const source = useTopic<StoreTopic>('store')?.about?.source;
  const machines = topic && (Object.values(topic) as MachineImage[]);
  return (
    <Page title="Machines">
      {machines === undefined ? (
        <Loading />
      ) : machines.length === 0 ? (
        <section class="panel">
          <Empty
            icon="machines"
            text={
              source === 'file'
                ? machinesAbsent
                : 'Actors of your own machines appear here: dashboard(bus, { machines: [actor] }).'
            }
          />
        </section>
      ) : (
        <ul class="machines">
          {machines.map((machine) => (
            <li key={machine.id} class="panel machine">
              <h2 class="cut">
                <Link to={{ page: 'machine', id: machine.id }}>
                  <NameText name={machine.title} />
                </Link>
              </h2>
              <StateChip state={machine.status} />
              <ActiveStates active={machine.active} />
              {machine.error !== undefined && (
                <p class="error-now cut" title={machine.error}>
                  {machine.error}
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}

function ActiveStates({ active }: { readonly active: readonly string[] }) {
  return (
    <p class="machine-active">
      {innermostOf(active).map((path) => (
        <code key={path}>{path}</code>
      ))}
    </p>
  );
}
