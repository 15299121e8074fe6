/** The partitions of a processor as a grid, one of them chosen. It stays small with hundreds. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { ProcessorTopic } from '../../wire.ts';
import { count } from '../format.ts';
import { Icon } from '../parts/icon.tsx';
import { Panel } from '../parts/panel.tsx';
import { setParams } from '../route.ts';
import { lookOf, wordOf } from '../states.ts';

export function LanesPanel({
  image,
  selected,
}: {
  readonly image: ProcessorTopic['image'];
  readonly selected: number;
}) {
  const parts = image.status.partitions ?? [];
  const grid = useRef<HTMLDivElement>(null);
  // The address may name one that is further down. Only the grid scrolls.
  useLayoutEffect(() => {
    const lane = grid.current?.querySelector<HTMLElement>(`[data-lane="${selected}"]`);
    if (!grid.current || !lane) return;
    const top = lane.offsetTop - grid.current.offsetTop;
    const { scrollTop, clientHeight } = grid.current;
    if (top < scrollTop || top + lane.offsetHeight > scrollTop + clientHeight)
      grid.current.scrollTop = top - (clientHeight - lane.offsetHeight) / 2;
  }, [selected, parts.length]);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = (selected + step + parts.length) % parts.length;
    setParams({ lane: next });
    (event.currentTarget as Element).querySelector<HTMLElement>(`[data-lane="${next}"]`)?.focus();
  };
  return (
    <Panel title="Partitions" end={<span class="soft small">{summaryOf(parts.map(({ state }) => state))}</span>}>
      <div ref={grid} class="lanes" role="radiogroup" aria-label="Partition" onKeyDown={move}>
        {parts.map(({ state, context }, index) => {
          const { tone, icon } = lookOf(state);
          const isSelected = index === selected;
          const title = `Partition ${index}: ${wordOf(state)}, ${count(context.lag)} behind`;
          return (
            // biome-ignore lint/a11y/useSemanticElements: it shows a state, which an input cannot
            <button
              key={index}
              type="button"
              role="radio"
              aria-checked={isSelected}
              aria-label={title}
              title={title}
              tabIndex={isSelected ? 0 : -1}
              class={`lane ${tone}`}
              data-lane={index}
              onClick={() => setParams({ lane: index })}
            >
              <Icon name={icon} size={9} />
              {index}
            </button>
          );
        })}
      </div>
    </Panel>
  );
}

function summaryOf(states: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, number]) => `${number} ${wordOf(state)}`).join(', ');
}
