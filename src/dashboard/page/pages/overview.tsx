/** The overview: whether all is well, at one look. */
import type { StoreTopic } from '../../wire.ts';
import { count } from '../format.ts';
import { useTopic } from '../live.ts';
import { Page } from '../parts/page.tsx';
import { Facts, Loading, Panel } from '../parts/panel.tsx';

export function OverviewPage() {
  const store = useTopic<StoreTopic>('store');
  return (
    <Page title="Overview">
      {store?.head === undefined ? (
        <Loading />
      ) : (
        <Panel title="Store">
          <Facts facts={[['Head', count(store.head)]]} />
        </Panel>
      )}
    </Page>
  );
}
