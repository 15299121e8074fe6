/**
 * A store that is appended to while a projection of it is built, until the program kills itself at a named point, or, without
 * one, is killed. The handlers do what the events say, and fail now and then.
 *
 * With a point the writer is inline, so that a commit begins and ends here.
 */
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { busOn } from '#actors/open-bus';
import { storeOn } from '#actors/open-store';
import { resolveOptions } from '#actors/options';
import { unlockKeys } from '#actors/store-keys';
import { decodeBuilds, projectionOfKey } from '#kernel/codec/projection-row';
import { initialMetaRows } from '#kernel/log/store-meta';
import type { WriteSet } from '#kernel/storage/engine';
import { KeyFileStorage } from '#kernel/storage/key-storage';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';
import { type Bus, openBus } from '#store';
import { Random } from '../../kit/crash-workload.ts';
import { HookedEngine } from '../../kit/hooked-engine.ts';
import { type Deed, perform } from '../../kit/projection-model.ts';
import { withTestKey } from '../../kit/test-key.ts';

/** A commit of each kind, before or after it; `switch`: another build is read from here on. */
export type KillPoint = 'in a handler' | `${'before' | 'after'} a ${'save' | 'switch' | 'sweep'}`;

export interface ProjectingOptions {
  readonly path: string;
  readonly seed: number;
  readonly version: number;
  readonly point: KillPoint | undefined;
  /** How often the point is passed before. */
  readonly passes: number;
}

const options = JSON.parse(process.argv[2] as string) as ProjectingOptions;
const random = new Random(options.seed);
const keys = ['a', 'a1', 'a2', 'b', 'b1', 'c', 'd', 'e'];
let passesLeft = options.passes;

const bus = options.point === undefined ? await openBus({ path: options.path }) : await openHere();
bus.errors$.subscribe();
const projection = bus.projection({
  name: 'p',
  version: options.version,
  on: {
    done: (view, { data }) => {
      const isToFail = random.next() < 0.02;
      perform(view, isToFail ? data.slice(0, random.integer(0, data.length)) : data);
      pass('in a handler');
      if (isToFail) throw new Error('planted');
    },
  },
  checkpoint: { events: 40, ms: 10 },
  // Enough for what fails by chance.
  retry: { minMs: 0, maxMs: 2, attempts: 4 },
  onFailure: 'dead-letter',
  keepMax: 1_000_000,
});
projection.start();
writeSync(1, 'running\n');
for (let appended = 0; ; ) {
  const events = Array.from({ length: random.integer(1, 30) }, () => ({ type: 'done', data: deeds() }));
  await bus.append('s', events);
  appended += events.length;
  // Each build begins at the first event: a log that grows as fast as it can leaves a busy machine behind.
  if (appended > 1000) await delay(10);
}

function deeds(): Deed[] {
  return Array.from({ length: random.integer(1, 5) }, (): Deed => {
    const key = random.pick(keys);
    const chance = random.next();
    if (chance < 0.01) return { do: 'fail' };
    if (chance < 0.5) return { do: 'count', key };
    if (chance < 0.7)
      return { do: 'set', key, value: { n: random.integer(0, 1e6), text: 'x'.repeat(random.integer(0, 100)) } };
    if (chance < 0.85) return { do: 'delete', key };
    if (chance < 0.95) return { do: 'list', range: { prefix: random.pick(['a', 'b', '']), limit: 4 }, into: key };
    return { do: 'clear', range: { from: key, reverse: random.next() < 0.5, limit: 2 } };
  });
}

/** Ends the process as `kill -9` does, if this is the point, and was passed often enough. */
function pass(point: KillPoint): void {
  if (point !== options.point || passesLeft-- > 0) return;
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

async function openHere(): Promise<Bus> {
  const resolved = resolveOptions(withTestKey({ path: options.path, inline: true }));
  const initialRows = initialMetaRows(resolved.durability, Date.now());
  const storage = new KeyFileStorage({ directory: options.path });
  const keys = await unlockKeys(storage, resolved.encryption, undefined);
  const engine = await openLmdbEngine({ ...resolved, directory: options.path, initialRows });
  return busOn(async (events) => storeOn(new HookedEngine(engine, passing), resolved, events, keys), resolved);
}

/** Passes the points of a commit. */
function passing(commit: () => void, writes: WriteSet): void {
  const kinds = kindsOf(writes);
  for (const kind of kinds) pass(`before a ${kind}`);
  commit();
  for (const kind of kinds) pass(`after a ${kind}`);
}

function kindsOf({ rows }: WriteSet): readonly ('save' | 'switch' | 'sweep')[] {
  const cursors = rows.filter(({ table }) => table === 'consumer_cursors');
  if (rows.some(({ table, value }) => table === 'consumer_cursors' && value === undefined)) return ['sweep'];
  if (cursors.length === 0) return [];
  const isSwitch = rows.some(
    ({ table, key, value }) =>
      table === 'projections' &&
      value !== undefined &&
      projectionOfKey(key)?.build === undefined &&
      decodeBuilds(key, value).building === undefined,
  );
  return isSwitch ? ['save', 'switch'] : ['save'];
}
