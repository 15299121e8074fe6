import { describe, expect, test } from 'vitest';
import { isJustTaken, takenEdge } from '../../../src/dashboard/page/lit.ts';
import type { Chart, ChartEdge } from '../../../src/dashboard/wire.ts';

function edge(from: string, to: string, ...events: string[]): ChartEdge {
  return { from, to, events, label: '', points: [] };
}

/** `live.working.handling` is drawn as `live.working`; `routing` is not drawn. */
const chart: Chart = {
  id: 'p',
  title: 'p',
  width: 0,
  height: 0,
  nodes: [],
  edges: [
    edge('live.waiting', 'live.working', 'HEAD'),
    edge('live.working', 'live.waiting', 'DONE'),
    edge('live.working', 'retrying', 'ERROR', 'TIMEOUT'),
    edge('live', 'loading', 'CLEAR'),
    edge('live.waiting', 'loading', 'CLEAR'),
    edge('live.working', 'live.working', 'AGAIN'),
  ],
  nodeByPath: {
    live: 'live',
    'live.waiting': 'live.waiting',
    'live.working': 'live.working',
    'live.working.handling': 'live.working',
    'live.working.draining': 'live.working',
    retrying: 'retrying',
    loading: 'loading',
  },
  orders: [],
};
const waiting = ['live', 'live.waiting'];
const handling = ['live', 'live.working', 'live.working.handling'];
const draining = ['live', 'live.working', 'live.working.draining'];

function taken(from: readonly string[], event: string, to: readonly string[]): string | undefined {
  const found = takenEdge(chart, { from, to, event, atMs: 0, number: 1 });
  return found && `${found.from} > ${found.to}`;
}

describe('the edge just taken', () => {
  test('leads from a node of the state before to one of the state after, by its event', () => {
    expect(taken(waiting, 'HEAD', handling)).toBe('live.waiting > live.working');
    expect(taken(handling, 'TIMEOUT', ['retrying'])).toBe('live.working > retrying');
  });

  test('is none when another event led there: that one is a button, not an edge', () => {
    expect(taken(handling, 'PAUSE', ['retrying'])).toBeUndefined();
    expect(taken(waiting, 'DONE', handling)).toBeUndefined();
  });

  test('is none for a step inside of what is drawn as one node, unless an edge leads back to it', () => {
    expect(taken(handling, 'DRAIN', draining)).toBeUndefined();
    expect(taken(handling, 'AGAIN', handling)).toBe('live.working > live.working');
  });

  test('is the innermost of several, or one that leaves a box around the state', () => {
    expect(taken(waiting, 'CLEAR', ['loading'])).toBe('live.waiting > loading');
    expect(taken(handling, 'CLEAR', ['loading'])).toBe('live > loading');
  });

  test('is none for paths that the chart does not know', () => {
    expect(taken(['nowhere'], 'HEAD', handling)).toBeUndefined();
    expect(taken(['toString'], 'HEAD', ['constructor'])).toBeUndefined();
  });

  test('is lit only when it was taken a moment ago: not one from before the page came', () => {
    const transition = { from: [], to: [], event: 'HEAD', atMs: 10_000, number: 4 };

    expect(isJustTaken(transition, 10_300)).toBe(true);
    expect(isJustTaken(transition, 13_000)).toBe(false);
  });
});
