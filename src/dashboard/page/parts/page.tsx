/** The frame of one page: its title, in the browser's tab too, what stands beside it, and its content. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { StoreTopic } from '../../wire.ts';
import { useTopic } from '../live.ts';
import { useKeptFocus } from './focus.ts';

export interface PageProps {
  readonly title: string;
  /** Above the title: the page it belongs to. */
  readonly crumb?: ComponentChildren;
  /** Beside the title. */
  readonly beside?: ComponentChildren;
  /** At the right. */
  readonly end?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ title, crumb, beside, end, children }: PageProps) {
  useKeptFocus();
  const site = useTopic<StoreTopic>('store')?.about?.title ?? 'varvebus';
  useEffect(() => {
    document.title = `${title} · ${site}`;
  }, [title, site]);
  return (
    <div class="page">
      <header class="page-head">
        {crumb !== undefined && (
          <nav class="crumb" aria-label="Above">
            {crumb}
          </nav>
        )}
        <h1>{title}</h1>
        {beside}
        {end !== undefined && <div class="end">{end}</div>}
      </header>
      {children}
    </div>
  );
}
