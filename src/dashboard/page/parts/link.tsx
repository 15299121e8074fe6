/** A link to a place of the page. */
import type { ComponentChildren } from 'preact';
import { addressOf, type Place, type Query } from '../routes.ts';

export interface LinkProps {
  readonly to: Place;
  readonly query?: Query;
  readonly class?: string;
  /** It leads to where one is. */
  readonly current?: boolean;
  readonly children: ComponentChildren;
}

export function Link({ to, query, children, current, class: name }: LinkProps) {
  return (
    <a href={addressOf(to, query)} class={name} aria-current={current ? 'page' : undefined}>
      {children}
    </a>
  );
}
