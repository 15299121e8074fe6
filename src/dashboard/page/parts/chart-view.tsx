/**
 * A statechart as it stands: the active states filled, the edge just taken lit for a moment. It is the drawing of chart/drawing.ts,
 * as elements of the page. One that is taller than the window scrolls in its place, and shows what is active.
 */
import { signal } from '@preact/signals';
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
import { Countdown } from './time.tsx';
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
  /** When the active state is left by itself. Milliseconds since 1970. */
  readonly untilMs?: number | undefined;
}

/** Whether charts are shown as small as they have to be to be seen as a whole. It is a matter of the window, not of a page. */
const isWhole = signal(false);

export function ChartPanel({ title, chart, active, transition, untilMs }: ChartPanelProps) {
  return (
    <Panel
      title={title}
      isFlush
      end={
        <div class="chart-head">
          <ActiveText active={active} />
          <Button
            kind="plain"
            icon={isWhole.value ? 'larger' : 'whole'}
            label={isWhole.value ? 'Show in full size' : 'Show the whole chart'}
            onClick={() => {
              isWhole.value = !isWhole.value;
            }}
          />
        </div>
      }
    >
      {chart.data !== undefined ? (
        <>
          <ChartView chart={chart.data} active={active} transition={transition} untilMs={untilMs} />
          <ChartLegend chart={chart.data} />
        </>
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
  const text = innermostOf(active).join(' · ');
  return (
    <code class="soft small cut" title={text}>
      {text}
    </code>
  );
}

interface ChartViewProps {
  readonly chart: Chart;
  readonly active: readonly string[];
  readonly transition: Transition | undefined;
  readonly untilMs: number | undefined;
}

/** Of a wide chart so much of its size is kept, for its texts: then it scrolls. */
const shrinkMin = 0.8;

const places = { selector: '.active > .box', around: '.inside > .box' };

function ChartView({ chart, active, transition, untilMs }: ChartViewProps) {
  const lit = useLit(transition);
  const picture = useMemo(() => {
    const edges = lit.flatMap((taken) => takenEdges(chart, taken));
    return elementOf(drawing(chart, { active, lit: edges }));
  }, [chart, active.join('\n'), lit]);
  const view = useRef<HTMLElement>(null);
  const { isFollowing, follow } = useFollowing(view, places, chart, active.join('\n'));
  // Of another size it is at another place.
  useEffect(follow, [isWhole.value]);
  return (
    <div class="chart-place">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
      <section ref={view} class="chart-scroll" aria-label={`Drawing of ${chart.title}`} tabIndex={0}>
        <div
          class={untilMs === undefined ? 'chart-fit' : 'chart-fit chart-counting'}
          style={isWhole.value ? wholeSize(chart) : fullSize(chart)}
        >
          {picture}
          {untilMs !== undefined && <ChartCountdown chart={chart} active={active} untilMs={untilMs} />}
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

function fullSize({ width }: Chart) {
  return { maxWidth: `${width}px`, minWidth: `${width * shrinkMin}px` };
}

/** As high as its place, which chart-view.css knows, is without its padding. */
function wholeSize({ width, height }: Chart) {
  return { maxWidth: `min(${width}px, calc((var(--chart-room) - 24px) * ${width / height}))` };
}

interface ChartCountdownProps {
  readonly chart: Chart;
  readonly active: readonly string[];
  readonly untilMs: number;
}

/** How long the active state lasts, drawn into it. Those who can't see it are told beside the chart. */
function ChartCountdown({ chart, active, untilMs }: ChartCountdownProps) {
  const ids = new Set(active.map((path) => chart.nodeByPath[path]));
  const node = chart.nodes.findLast(({ id, kind }) => kind === 'state' && ids.has(id));
  if (node === undefined) return null;
  const across = (px: number) => `${(px / chart.width) * 100}%`;
  const down = (px: number) => `${(px / chart.height) * 100}%`;
  const box = { left: across(node.x), width: across(node.width), top: down(node.y), height: down(node.height) };
  return (
    <span class="chart-countdown" aria-hidden="true" style={{ ...box, '--chart-px': `calc(100cqw / ${chart.width})` }}>
      <Countdown untilMs={untilMs} />
    </span>
  );
}

/** What the lines mean. */
function ChartLegend({ chart }: { readonly chart: Chart }) {
  const hasFailing = chart.nodes.some(({ tags }) => tags.includes('unhealthy'));
  return (
    <ul class="chart chart-legend" aria-label="Legend">
      <LegendLine kind="lit" text="just taken" />
      <LegendLine kind="open" text="may be next" />
      {hasFailing && <LegendLine kind="failing" text="into trouble" />}
      {chart.orders.length > 0 && <li>Orders are buttons: they have no lines.</li>}
    </ul>
  );
}

function LegendLine({ kind, text }: { readonly kind: 'lit' | 'open' | 'failing'; readonly text: string }) {
  return (
    <li>
      <svg viewBox="0 0 26 8" width="26" height="8" aria-hidden="true">
        <g class={`edge ${kind}`}>
          <path class="line" d="M0 4H20" />
          <path class="tip" d="M26 4L19 0.5V7.5Z" />
        </g>
      </svg>
      {text}
    </li>
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
