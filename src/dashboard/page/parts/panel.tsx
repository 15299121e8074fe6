/** Panels, facts, and what stands in the place of things that are not there. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { connection } from '../live.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import type { IconName } from './icons.ts';

export interface PanelProps {
  readonly title: string;
  /** At the right of the title. */
  readonly end?: ComponentChildren;
  /** The content comes up to the border. */
  readonly isFlush?: boolean;
  readonly children: ComponentChildren;
}

export function Panel({ title, end, isFlush, children }: PanelProps) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <div class="panel-head">
        <h2 id={id}>{title}</h2>
        {end !== undefined && <div class="end">{end}</div>}
      </div>
      <div class={isFlush ? 'panel-body flush' : 'panel-body'}>{children}</div>
    </section>
  );
}

/** Names and values; those without a value are left out. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value === undefined || value === false ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

export function Empty({
  icon = 'dot',
  text,
  children,
}: {
  readonly icon?: IconName;
  readonly text: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <Icon name={icon} size={28} />
      <p>{text}</p>
      {children}
    </div>
  );
}

/** In the place of a whole page: what its address names is not there. */
export function Missing({ text }: { readonly text: string }) {
  return (
    <section class="panel">
      <Empty icon="search" text={text} />
    </section>
  );
}

export function Loading() {
  // Then nothing comes, and the page says why.
  if (connection.value === 'refused') return null;
  return (
    <div class="empty" aria-busy="true">
      <Icon name="spinner" size={20} spin />
      <span class="hidden-text">Loading</span>
    </div>
  );
}

export function Note({
  tone,
  children,
  end,
}: {
  readonly tone?: 'bad' | 'warn';
  readonly children: ComponentChildren;
  readonly end?: ComponentChildren;
}) {
  return (
    <div class={tone === undefined ? 'note' : `note ${tone}`}>
      <Icon name={tone === undefined ? 'dot' : 'alert'} />
      <div>{children}</div>
      {end !== undefined && <div class="end">{end}</div>}
    </div>
  );
}

/** Why something could not be shown or done. */
export function ErrorNote({ error, onRetry }: { readonly error: Error; readonly onRetry?: () => void }) {
  return (
    <div role="alert">
      <Note
        tone="bad"
        end={
          onRetry && (
            <Button icon="retry" onClick={onRetry}>
              Try again
            </Button>
          )
        }
      >
        <p>{error.message}</p>
        {error instanceof ApiError && <p class="small faint mono">{error.code}</p>}
      </Note>
    </div>
  );
}
