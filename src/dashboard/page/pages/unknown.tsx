/** An address that names no page: which there are. */
import type { StoreTopic } from '../../wire.ts';
import { useTopic } from '../live.ts';
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Empty } from '../parts/panel.tsx';
import { placesFor } from '../places.ts';

export function UnknownPage() {
  const machines = useTopic<StoreTopic>('store')?.about?.machines;
  return (
    <Page title="Not found">
      <Empty icon="search" text="There is no such page. There are:">
        <ul>
          {placesFor(machines).map(({ to, title }) => (
            <li key={to.page}>
              <Link to={to}>{title}</Link>
            </li>
          ))}
        </ul>
      </Empty>
    </Page>
  );
}
