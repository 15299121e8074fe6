/** An address that names no page. */
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Empty } from '../parts/panel.tsx';

export function UnknownPage() {
  return (
    <Page title="Not found">
      <Empty icon="search" text="There is no such page.">
        <Link to={{ page: 'overview' }}>To the overview</Link>
      </Empty>
    </Page>
  );
}
