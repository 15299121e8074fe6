/** The overview: whether all is well, at one look; then the numbers of the store, and every processor. */
import type { ProcessorRow, StoreTopic } from '../../wire.ts';
import { healthOf } from '../health.ts';
import { useTopic } from '../live.ts';
import { Page } from '../parts/page.tsx';
import { Loading } from '../parts/panel.tsx';
import { HealthPanel } from './overview-health.tsx';
import { ProcessorsPanel } from './overview-processors.tsx';
import { StorePanel, VitalSigns } from './overview-store.tsx';
import './overview.css';

export function OverviewPage() {
  const store = useTopic<StoreTopic>('store');
  const processors = useTopic<Record<string, ProcessorRow>>('processors');
  if (store === undefined || processors === undefined)
    return (
      <Page title="Overview">
        <Loading />
      </Page>
    );
  const rows = Object.values(processors) as ProcessorRow[];
  return (
    <Page title="Overview">
      <HealthPanel health={healthOf(store, rows)} rows={rows} />
      <VitalSigns store={store} />
      <ProcessorsPanel rows={rows} />
      <StorePanel store={store} />
    </Page>
  );
}
