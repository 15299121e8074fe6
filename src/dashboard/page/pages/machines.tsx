/** The machines that the app shows here beside ours. */
import type { MachineImage } from '../../wire.ts';
import { useTopic } from '../live.ts';
import { StateChip } from '../parts/chip.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading } from '../parts/panel.tsx';
import { innermostOf } from '../states.ts';
import './machines.css';

export function MachinesPage() {
  const topic = useTopic<Record<string, MachineImage>>('machines');
  const machines = topic && (Object.values(topic) as MachineImage[]);
  return (
    <Page title="Machines">
      {machines === undefined ? (
        <Loading />
      ) : machines.length === 0 ? (
        <section class="panel">
          <Empty
            icon="machines"
            text="Actors of your own machines appear here: dashboard(bus, { machines: [actor] })."
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
