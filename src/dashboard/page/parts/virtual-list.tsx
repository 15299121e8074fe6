// biome-ignore-all lint/a11y/useSemanticElements: the rows of a real table cannot be placed one by one
/**
 * A table of any length, of which only the rows in view are in the document. The window scrolls, not the table.
 *
 * For screen readers it is a table with its true number of rows, each with its own. For the keyboard it is one stop: arrows, Page
 * Up and Down, Home and End move between rows, Left and Right between what can be focused in one. The row that has the focus stays
 * in the document wherever one scrolls. Rows have one height, in rem, so that nothing jumps; what is longer ends with dots.
 * In a narrow window rows are cards: the stylesheet places cells by their class, `cell-<id>`.
 */
import {
  defaultRangeExtractor,
  observeWindowOffset,
  observeWindowRect,
  Virtualizer,
  windowScroll,
} from '@tanstack/virtual-core';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import { rowAfterKey } from './row-keys.ts';
import './virtual-list.css';

export interface Column<Row> {
  readonly id: string;
  readonly title: ComponentChildren;
  /** Width as a track of a CSS grid: `'6rem'`, `'minmax(8rem, 1fr)'`. */
  readonly track: string;
  readonly isNumber?: true;
  /** What can be focused in it takes `tabIndex`. */
  cell(row: Row, tabIndex: 0 | -1): ComponentChildren;
}

export interface VirtualListProps<Row> {
  /** What it is a table of, for screen readers. */
  readonly label: string;
  /** Class of the table, for the stylesheet of the page. */
  readonly name: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string | number;
  /** Height of a row in rem. @default 2.5, and 4 in a narrow window */
  readonly height?: { readonly wide: number; readonly narrow: number };
  /** There may be more rows than are here: asked for when the end is near, again and again until there are. */
  readonly onEnd?: (() => void) | undefined;
  /** Further classes of a row. */
  rowClass?(row: Row): string;
  /** The row that is shown elsewhere on the page. Its focus comes back to it when it no longer is. */
  readonly current?: string | number | undefined;
}

const defaultHeight = { wide: 2.5, narrow: 4 };
/** Rows rendered beyond the view on either side: what a fast wheel passes in a frame. */
const overscanRows = 12;
/** In the place of the number of a stop: what opens the row. */
const openerStop = -1;
/** What may stand over the first rows: the places of a narrow window, and the head of the table. */
const stickyPixels = 120;
/** The end is near when so many rows are left. */
const nearEndRows = 40;
const narrow = matchMedia('(max-width: 40rem)');

export function VirtualList<Row>(props: VirtualListProps<Row>) {
  const { columns, rows, keyOf } = props;
  const body = useRef<HTMLDivElement>(null);
  const [, render] = useReducer((count: number) => count + 1, 0);
  const [active, setActive] = useState<{ index: number; key?: string | number }>({ index: 0 });
  const hasFocus = useRef(false);
  const wanted = useRef<{ index: number; stop: number } | undefined>(undefined);
  const activeIndex = indexOf(active, rows, keyOf);
  const height = useRowHeight(props.height ?? defaultHeight);
  const margin = useMargin(body);

  const [virtualizer] = useState(() => new Virtualizer<Window, Element>(optionsOf(0)));
  function optionsOf(scrollMargin: number) {
    return {
      count: rows.length,
      getScrollElement: () => window,
      estimateSize: () => height,
      overscan: overscanRows,
      scrollMargin,
      scrollPaddingStart: stickyPixels,
      scrollPaddingEnd: height,
      observeElementRect: observeWindowRect,
      observeElementOffset: observeWindowOffset,
      scrollToFn: windowScroll,
      initialOffset: () => window.scrollY,
      rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) => {
        const seen = defaultRangeExtractor(range);
        if (!hasFocus.current || seen.includes(activeIndex) || activeIndex >= range.count) return seen;
        return activeIndex < (seen[0] ?? 0) ? [activeIndex, ...seen] : [...seen, activeIndex];
      },
      onChange: () => render(undefined),
    };
  }
  virtualizer.setOptions(optionsOf(margin));
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, height]);

  const items = virtualizer.getVirtualItems();
  const last = items.findLast((item) => item.index !== activeIndex)?.index ?? 0;
  const { onEnd } = props;
  useLayoutEffect(() => {
    if (onEnd !== undefined && last >= rows.length - nearEndRows) onEnd();
  });

  const shownElsewhere = useRef(props.current);
  useLayoutEffect(() => {
    const before = shownElsewhere.current;
    shownElsewhere.current = props.current;
    const index = rows.findIndex((row) => keyOf(row) === before);
    if (before === undefined || props.current !== undefined || index === -1) return;
    hasFocus.current = true;
    goTo(index, openerStop);
  }, [props.current]);

  // The row that the keyboard goes to may only now be in the document.
  useLayoutEffect(() => {
    const goal = wanted.current;
    const row = goal && body.current?.querySelector(`[data-row="${goal.index}"]`);
    if (!goal || !row) return;
    wanted.current = undefined;
    const stops = stopsOf(row);
    if (goal.stop === openerStop) row.querySelector<HTMLElement>('.opener')?.focus({ preventScroll: true });
    else (stops[goal.stop] ?? stops[0])?.focus({ preventScroll: true });
  });

  function onKeyDown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const from = event.target as HTMLElement;
    const row = from.closest('[data-row]');
    if (row === null) return;
    const stops = stopsOf(row);
    const stop = stops.indexOf(from);
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      stops[stop + (event.key === 'ArrowLeft' ? -1 : 1)]?.focus();
      return;
    }
    const inView = Math.floor(window.innerHeight / height) - 4;
    const to = rowAfterKey(event.key, activeIndex, rows.length, inView);
    if (to === undefined) return;
    event.preventDefault();
    goTo(to, stop);
    virtualizer.scrollToIndex(to, { align: 'auto' });
  }

  function goTo(index: number, stop: number): void {
    const row = rows[index];
    if (row === undefined) return;
    wanted.current = { index, stop };
    setActive({ index, key: keyOf(row) });
    render(undefined);
  }

  function onFocus(event: FocusEvent): void {
    hasFocus.current = true;
    const index = Number((event.target as HTMLElement).closest('[data-row]')?.getAttribute('data-row') ?? activeIndex);
    const row = rows[index];
    if (row !== undefined && index !== activeIndex) setActive({ index, key: keyOf(row) });
  }

  return (
    <div
      class={`list ${props.name}`}
      role="table"
      aria-label={props.label}
      aria-rowcount={onEnd === undefined ? rows.length + 1 : -1}
      style={{ '--wide': columns.map((column) => column.track).join(' '), '--row': `${height}px` }}
    >
      <div class="list-head" role="rowgroup">
        {/* biome-ignore lint/a11y/useFocusableInteractive: it is no grid, its links are focused */}
        <div class="list-row" role="row" aria-rowindex={1}>
          {columns.map((column) => (
            // biome-ignore lint/a11y/useFocusableInteractive: it does nothing
            <div key={column.id} role="columnheader" class={cellClass(column)}>
              {column.title}
            </div>
          ))}
        </div>
      </div>
      <div
        class="list-body"
        role="rowgroup"
        ref={body}
        onKeyDown={onKeyDown}
        onFocusIn={onFocus}
        onFocusOut={() => {
          hasFocus.current = false;
        }}
        style={{ height: `${virtualizer.getTotalSize()}px` }}
      >
        {items.map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          const key = keyOf(row);
          const tabIndex = item.index === activeIndex ? 0 : -1;
          return (
            // biome-ignore lint/a11y/useFocusableInteractive: its links are focused
            <div
              key={key}
              class={`list-row ${item.index === rows.length - 1 ? 'last ' : ''}${props.rowClass?.(row) ?? ''}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-current={key === props.current ? 'true' : undefined}
              data-row={item.index}
              style={{ transform: `translateY(${item.start - margin}px)` }}
            >
              {columns.map((column) => (
                <div key={column.id} role="cell" class={cellClass(column)}>
                  {column.cell(row, tabIndex)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function cellClass(column: { readonly id: string; readonly isNumber?: true }): string {
  return `cell cell-${column.id}${column.isNumber ? ' number' : ''}`;
}

/** Rows may have come or gone since: the row with the key that had the focus, or what stands in its place. */
function indexOf<Row>(
  active: { index: number; key?: string | number },
  rows: readonly Row[],
  keyOf: (row: Row) => string | number,
): number {
  const here = rows[active.index];
  if (active.key === undefined || (here !== undefined && keyOf(here) === active.key)) return active.index;
  const index = rows.findIndex((row) => keyOf(row) === active.key);
  return index === -1 ? Math.max(0, Math.min(active.index, rows.length - 1)) : index;
}

function stopsOf(row: Element): HTMLElement[] {
  return [...row.querySelectorAll<HTMLElement>('a[href], button:not(:disabled), input:not(:disabled)')];
}

/** Pixels. */
function useRowHeight(height: { readonly wide: number; readonly narrow: number }): number {
  const [isNarrow, setNarrow] = useState(narrow.matches);
  useLayoutEffect(() => {
    const change = () => setNarrow(narrow.matches);
    narrow.addEventListener('change', change);
    return () => narrow.removeEventListener('change', change);
  }, []);
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return Math.round((isNarrow ? height.narrow : height.wide) * rem);
}

/** Where the rows begin in the document, in pixels; it moves when something above them grows. */
function useMargin(body: { readonly current: HTMLElement | null }): number {
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      if (body.current) setMargin(Math.round(body.current.getBoundingClientRect().top + window.scrollY));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [body]);
  return margin;
}
