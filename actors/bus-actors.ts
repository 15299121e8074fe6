/**
 * The actors of a bus, as rows of their tree: what takes messages, what it does now, and how many it was given.
 *
 * Messages are: of the writer commands, of the reader threads tasks, of the watch wake-ups, of timers orders, of listeners
 * events, of a port commands that came in by it; of machines and what they invoke events, while somebody looks.
 */
import { shownListenersMax } from '../src/limits.ts';
import type { Activity } from './actor-tree.ts';
import type { BusState } from './bus.machine.ts';
import type { LivingParts } from './bus-core.ts';
import type { ActorImage } from './bus-status.ts';
import { Derived } from './derived.ts';
import type { LaneLook } from './lane-look.ts';
import type { OwnedProcessor } from './processor.ts';
import type { ProcessorState, ProcessorStatus } from './processor-status.ts';
import type { ReaderPool } from './reader-pool.ts';

/** All but processors. */
export function partsOf(
  state: BusState,
  { store, watch, timers, readers, listeners, ports }: LivingParts,
): ActorImage[] {
  const rows: ActorImage[] = [{ id: 'bus', kind: 'bus', name: 'bus', state, messages: 0 }];
  if (store.appender !== undefined) rows.push(row('writer', 'writer', 'writer', store.appender.activity));
  for (const [number, { activity }] of ports.open) rows.push(row(`port:${number}`, 'port', `port ${number}`, activity));
  if (readers !== undefined) rows.push(...readerRows(readers));
  rows.push(row('watch', 'watch', 'watch of the head', watch.activity));
  if (timers !== undefined) rows.push(row('timers', 'timers', 'timers', timers.activity));
  for (const { number, name, activity } of listeners.living(shownListenersMax)) {
    rows.push(row(`listener:${number}`, 'listener', name, activity));
  }
  return rows;
}

/** A processor, its partitions, and what their machines have invoked: the same rows until one of them has changed. */
export class ProcessorActors {
  readonly #processor: OwnedProcessor;
  readonly #rows = new Derived<readonly ActorImage[]>();

  constructor(processor: OwnedProcessor) {
    this.#processor = processor;
  }

  /** `status`: of the processor. */
  rows({ state }: ProcessorStatus): readonly ActorImage[] {
    const { looks } = this.#processor;
    return this.#rows.of([state, ...looks.map(({ moves }) => moves)], () => this.#made(state));
  }

  #made(state: ProcessorState): ActorImage[] {
    const { name, looks } = this.#processor;
    const id = `processor:${name}`;
    const [first, ...others] = looks as readonly [LaneLook, ...LaneLook[]];
    if (others.length === 0) {
      return [row(id, 'processor', name, { state, messages: first.messages }), ...childRows(first, id)];
    }
    // Told to the whole is told to each: it has no messages of its own.
    const rows = [row(id, 'processor', name, { state, messages: 0 })];
    for (const [index, look] of looks.entries()) {
      const partition = `partition:${index}:${name}`;
      rows.push(row(partition, 'partition', `${index}`, look, id), ...childRows(look, partition));
    }
    return rows;
  }
}

function readerRows(readers: ReaderPool): ActorImage[] {
  const { tasksByThread, running, waiting, tasks } = readers.activity;
  const state = waiting > 0 ? `${running} busy, ${waiting} waiting` : running > 0 ? `${running} busy` : 'idle';
  const rows = [row('readers', 'readers', 'reader threads', { state, messages: tasks })];
  for (const [thread, messages] of tasksByThread) {
    rows.push(row(`thread:${thread}`, 'child', `thread ${thread}`, { state: 'alive', messages }, 'readers'));
  }
  return rows;
}

function childRows(look: LaneLook, parent: string): ActorImage[] {
  return look.children.map(({ id }) => {
    const activity = { state: 'active', messages: look.messagesOf(id) };
    return row(`child:${id}:${parent}`, 'child', id, activity, parent);
  });
}

function row(
  id: string,
  kind: ActorImage['kind'],
  name: string,
  { state, messages }: Activity,
  parent = 'bus',
): ActorImage {
  return { id, parent, kind, name, state, messages };
}
