/** All projections: how far each is, and what is being built anew. */
import type { ProjectionRow } from '../../wire.ts';
import { count } from '../format.ts';
import { useTopic } from '../live.ts';
import { StateChip } from '../parts/chip.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading } from '../parts/panel.tsx';
import { Progress } from '../parts/progress.tsx';
import './lists.css';
import './projections.css';

export function ProjectionsPage() {
  const topic = useTopic<Record<string, ProjectionRow>>('projections');
  const rows = Object.values(topic ?? {})
    .filter((row) => row !== undefined)
    .sort((first, second) => (first.name < second.name ? -1 : 1));
  return (
    <Page title="Projections">
      <section class="panel" aria-label="Projections">
        {topic === undefined && <Loading />}
        {topic !== undefined && rows.length === 0 && (
          <Empty icon="projections" text="There are no projections. They come with bus.projection()." />
        )}
        {rows.length > 0 && (
          <table class="projections">
            <thead>
              <tr>
                <th scope="col">Projection</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Version
                </th>
                <th scope="col" class="number">
                  Position
                </th>
                <th scope="col" class="number">
                  Lag
                </th>
                <th scope="col" class="of-build">
                  Build
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.name}>
                  <td class="of-name">
                    <Link class="strong" to={{ page: 'projection', name: row.name }}>
                      <NameText name={row.name} />
                    </Link>
                  </td>
                  <td class="of-state">
                    <StateChip state={row.state} />
                  </td>
                  <td class="number">
                    <span class="narrow-only faint">version </span>
                    {row.version ?? 'none'}
                  </td>
                  <td class="number of-position">{count(row.position)}</td>
                  <td class="number">
                    <span class="narrow-only faint">lag </span>
                    {count(row.lag)}
                  </td>
                  <td class={row.building === undefined ? 'of-build no-build' : 'of-build'}>
                    <Build row={row} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </Page>
  );
}

function Build({ row: { name, building } }: { readonly row: ProjectionRow }) {
  if (building === undefined) return <span class="faint">none</span>;
  return (
    <div>
      {building.version !== undefined && <span class="small">Version {building.version}</span>}
      <Progress label={`Build of ${name}`} done={building.position} all={building.head} />
    </div>
  );
}
