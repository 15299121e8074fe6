/**
 * Projections against a fold over the log: the same handlers on a view that is a sorted Map and nothing more.
 *
 * Events carry what is to be done, so that any events are any handlers.
 */

import { decodeEntry } from '#kernel/codec/projection-row';
import { readCursor } from '#kernel/log/cursor';
import { resolveRange } from '#kernel/log/projection-range';
import { BuildEntries, buildCursorName, readBuilds } from '#kernel/log/projection-rows';
import { readIdentity } from '#kernel/log/store-meta';
import type { Engine } from '#kernel/storage/engine';
import type { ProjectionEntry, ProjectionRange, ProjectionView, StoredEvent } from '#store';

export type Deed =
  | { readonly do: 'set'; readonly key: string; readonly value: unknown }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'count'; readonly key: string }
  /** Stores what a range gives, first. */
  | { readonly do: 'list'; readonly range: ProjectionRange; readonly into: string }
  /** Can't be done, ever. */
  | { readonly do: 'fail' }
  /** Deletes what a range gives, as it gives it. */
  | { readonly do: 'clear'; readonly range: ProjectionRange };

export interface Done {
  readonly type: 'done';
  readonly data: readonly Deed[];
}

export function perform(view: ProjectionView<unknown>, deeds: readonly Deed[]): void {
  for (const deed of deeds) {
    if (deed.do === 'set') view.set(deed.key, deed.value);
    else if (deed.do === 'delete') view.delete(deed.key);
    else if (deed.do === 'count') view.update(deed.key, (value) => (typeof value === 'number' ? value + 1 : 1));
    else if (deed.do === 'fail') throw new Error('planted for good');
    else if (deed.do === 'list') view.set(deed.into, [...view.range(deed.range)].map(({ key }) => key).slice(0, 20));
    else for (const { key } of view.range(deed.range)) view.delete(key);
  }
}

/** What the log up to `position` makes: an event that can't be handled makes nothing. */
export function folded(events: readonly StoredEvent<Done>[], position: number): Map<string, unknown> {
  const view = new MapView();
  const canBeDone = (deeds: readonly Deed[]) => deeds.every((deed) => deed.do !== 'fail');
  for (const { position: at, data } of events) if (at <= position && canBeDone(data)) perform(view, data);
  return view.values;
}

/** The entries of each build in the store, and how far it is. */
export function builtIn(
  engine: Engine,
  name: string,
): {
  readonly build: number;
  readonly version: number;
  readonly isActive: boolean;
  readonly position: number;
  readonly values: Map<string, unknown>;
}[] {
  return engine.read((snapshot) => {
    const { incarnation } = readIdentity(snapshot, engine.path);
    const { active, building } = readBuilds(snapshot, name);
    return [active, building].flatMap((one) => {
      if (one === undefined) return [];
      const position = readCursor(snapshot, buildCursorName(name, one.build), incarnation)?.position ?? 0;
      const { items } = new BuildEntries(name, one).page(snapshot, resolveRange({}), undefined, 1e9);
      const values = new Map(items.map(({ key, value }) => [key, decodeEntry(value)]));
      return [{ ...one, isActive: one === active, position, values }];
    });
  });
}

export class MapView implements ProjectionView<unknown> {
  readonly values = new Map<string, unknown>();

  get(key: string): unknown {
    return structuredClone(this.values.get(key));
  }

  set(key: string, value: unknown): void {
    this.values.set(key, structuredClone(value));
  }

  delete(key: string): void {
    this.values.delete(key);
  }

  update(key: string, change: (value: unknown) => unknown): void {
    this.set(key, change(this.get(key)));
  }

  range({ from, to, prefix = '', reverse = false, limit }: ProjectionRange = {}): ProjectionEntry<unknown>[] {
    const compare = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right));
    const keys = [...this.values.keys()]
      .filter((key) => key.startsWith(prefix))
      .filter((key) => (from === undefined || compare(key, from) >= 0) && (to === undefined || compare(key, to) <= 0))
      .sort(compare);
    if (reverse) keys.reverse();
    return keys.slice(0, limit).map((key) => ({ key, value: this.get(key) }));
  }
}
