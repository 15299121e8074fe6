/**
 * A statechart as it stands: the active states filled, the edge just taken lit for a moment. It is the drawing of chart/drawing.ts,
 * as elements of the page. One that is taller than the window scrolls in its place, and shows what is active.
 */
import { type ComponentChild, h } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Transition } from '../../../../actors/bus-status.ts';
import { drawing, type Shape } from '../../chart/drawing.ts';
import { chartRules } from '../../chart/style.ts';
import { takenEdges } from '../../chart/taken-edge.ts';
import type { Chart } from '../../wire.ts';
import type { Answer } from '../api.ts';
import { isJustTaken, litMs } from '../lit.ts';
import { serverNow } from '../live.ts';
import { innermostOf } from '../states.ts';
import { Button } from './button.tsx';
import { useFollowing } from './follow.ts';
import { ErrorNote, Loading, Panel } from './panel.tsx';
import './chart-view.css';

// The rules of a drawing are the drawing's own. A sheet that is made here needs no exception from the page's content policy.
const sheet = new CSSStyleSheet();
sheet.replaceSync(chartRules);
document.adoptedStyleSheets.push(sheet);

export interface ChartPanelProps {
  readonly title: string;
  readonly chart: Answer<Chart>;
  readonly active: readonly string[];
  readonly transition?: Transition | undefined;
}

export function ChartPanel({ title, chart, active, transition }: ChartPanelProps) {
  return (
    <Panel title={title} isFlush end={<ActiveText active={active} />}>
      {chart.data !== undefined ? (
        <ChartView chart={chart.data} active={active} transition={transition} />
      ) : chart.error !== undefined ? (
        <div class="panel-body">
          <ErrorNote error={chart.error} onRetry={chart.reload} />
        </div>
      ) : (
        <Loading />
      )}
    </Panel>
  );
}

/** The innermost states in words. */
function ActiveText({ active }: { readonly active: readonly string[] }) {
  return <code class="soft small">{innermostOf(active).join(' · ')}</code>;
}

interface ChartViewProps {
  readonly chart: Chart;
  readonly active: readonly string[];
  readonly transition: Transition | undefined;
}

/** Of a wide chart so much of its size is kept, for its texts: then it scrolls. */
const shrinkMin = 0.8;

function ChartView({ chart, active, transition }: ChartViewProps) {
  const lit = useLit(transition);
  const picture = useMemo(() => {
    const edges = lit.flatMap((taken) => takenEdges(chart, taken));
    return elementOf(drawing(chart, { active, lit: edges }));
  }, [chart, active.join('\n'), lit]);
  const view = useRef<HTMLElement>(null);
  const { isFollowing, follow } = useFollowing(view, '.active > .box', chart, active.join('\n'));
  return (
    <div class="chart-place">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
      <section ref={view} class="chart-scroll" aria-label={`Drawing of ${chart.title}`} tabIndex={0}>
        <div class="chart-fit" style={{ maxWidth: `${chart.width}px`, minWidth: `${chart.width * shrinkMin}px` }}>
          {picture}
        </div>
      </section>
      {!isFollowing && (
        <div class="chart-follow">
          <Button icon="follow" onClick={follow} title="Shows the active state, and follows it">
            Follow
          </Button>
        </div>
      )}
    </div>
  );
}

/** The transitions that were just taken, each for a moment. */
function useLit(transition: Transition | undefined): readonly Transition[] {
  const [lit, setLit] = useState<readonly Transition[]>([]);
  const timers = useRef(new Set<ReturnType<typeof setTimeout>>());
  useEffect(() => {
    if (transition === undefined || !isJustTaken(transition, serverNow())) return;
    setLit((before) => [...before, transition]);
    const timer = setTimeout(() => {
      timers.current.delete(timer);
      setLit((before) => before.filter((one) => one !== transition));
    }, litMs);
    timers.current.add(timer);
  }, [transition?.number]);
  useEffect(() => () => timers.current.forEach(clearTimeout), []);
  return lit;
}

function elementOf(shape: Shape | string): ComponentChild {
  if (typeof shape === 'string') return shape;
  const [tag, attributes, children] = shape;
  return h(tag, attributes, ...children.map(elementOf));
}
