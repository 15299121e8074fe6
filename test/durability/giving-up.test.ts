/**
 * Failure policies against an oracle, run after run, each ended by `kill -9`: what the handler has written down, and the rows
 * that are left. Nothing is passed that is neither handled nor kept, and no stream ever runs ahead of what it waits for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readCursor } from '#kernel/log/cursor';
import { walkLetters, walkParked } from '#kernel/log/letters';
import { initialMetaRows, readIdentity } from '#kernel/log/store-meta';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';
import { type OnFailure, openBus, type StoredEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program, waitUntil } from '../kit/crash-process.ts';
import { Random } from '../kit/crash-workload.ts';
import { type GivingUpLine, type GivingUpOptions, isPoison } from './programs/giving-up.ts';

const program = new URL('./programs/giving-up.ts', import.meta.url);
const rounds = process.env.TEST_LONG === undefined ? 1 : 40;

interface Kept {
  readonly cursor: number;
  readonly letters: ReadonlySet<number>;
  readonly parked: ReadonlySet<number>;
}

async function keptIn(path: string): Promise<Kept> {
  const options = { directory: path, durability: 'sync', lockWaitMs: 5000, force: [] } as const;
  const engine = await openLmdbEngine({ ...options, readOnly: false, initialRows: initialMetaRows('sync', 0) });
  const letters = new Set<number>();
  const parked = new Set<number>();
  const cursor = engine.read((snapshot) => {
    walkLetters(snapshot, 'p', 0, ({ position }) => Boolean(letters.add(position)));
    walkParked(snapshot, 'p', (_, position) => Boolean(parked.add(position)));
    return readCursor(snapshot, 'p', readIdentity(snapshot, path).incarnation)?.position ?? 0;
  });
  engine.close();
  return { cursor, letters, parked };
}

async function eventsIn(path: string): Promise<StoredEvent[]> {
  const bus = await openBus({ path, readOnly: true });
  const events = await collect(bus.read());
  await bus.close();
  return events;
}

/** As a reader of the running store sees it. */
async function cursorIn(path: string): Promise<number> {
  await using bus = await openBus({ path, readOnly: true });
  return bus.consumers().find(({ name }) => name === 'p')?.position ?? 0;
}

/** Lines of one run; the last one may be torn by the kill. */
function linesOf(witness: string): GivingUpLine[] {
  const text = readFileSync(witness, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as GivingUpLine]));
}

const keyOf = (stream: string, version: number) => `${stream}/${version}`;

/** A version is handled for the first time only when those before it were, or may be missing. */
function expectOrder(lines: readonly GivingUpLine[], mayMiss: (stream: string, version: number) => boolean): void {
  const handled = new Set<string>();
  const reached = new Map<string, number>();
  for (const [stream, version] of lines) {
    const from = reached.get(stream) ?? 0;
    for (let before = from + 1; before < version; before++) {
      expect(handled.has(keyOf(stream, before)) || mayMiss(stream, before), keyOf(stream, version)).toBe(true);
    }
    handled.add(keyOf(stream, version));
    reached.set(stream, Math.max(from, version));
  }
}

test.each<[OnFailure, GivingUpOptions['kind']]>([
  ['skip', 'each'],
  ['dead-letter', 'batch'],
  ['park-stream', 'each'],
  ['park-stream', 'batch'],
])(
  `an oracle agrees with a processor that gives up (%s, %s) through ${rounds} kills`,
  { timeout: 1_200_000 },
  async (onFailure, kind) => {
    const directory = crashDirectory();
    const path = join(directory, 'store');
    const random = new Random(Number(process.env.TEST_SEED ?? Date.now() % 1e9));
    const lines: GivingUpLine[] = [];
    let given: Kept | undefined;
    for (let round = 0; round <= rounds; round++) {
      const witness = join(directory, `witness-${round}`);
      const isMended = round === rounds;
      const options: GivingUpOptions = { path, witness, seed: random.integer(0, 2 ** 30), onFailure, kind, isMended };
      const run = Program.start(program, options);
      await run.expectLine(isMended ? 'done' : 'running');
      if (!isMended) {
        await waitUntil('some events are behind the cursor', async () => (await cursorIn(path)) > 10);
        await delay(random.integer(0, 700));
        await run.crash();
      }
      lines.push(...linesOf(witness));
      const kept = await keptIn(path);
      if (!isMended) given = kept;
      const events = await eventsIn(path);
      const handled = new Set(lines.map(([stream, version]) => keyOf(stream, version)));
      const missing = events.filter(({ position, stream, version }) => {
        const isKept = kept.letters.has(position) || kept.parked.has(position);
        return position <= kept.cursor && !isKept && !handled.has(keyOf(stream, version));
      });
      const isLoss = ({ position }: StoredEvent) => onFailure !== 'skip' || !isPoison(position);
      expect(missing.filter(isLoss).map(({ position }) => position)).toEqual([]);
      const poisonKept = [...kept.letters].filter(isPoison).length;
      if (onFailure !== 'skip' && !isMended) {
        const poisonPassed = events.filter(({ position }) => position <= kept.cursor && isPoison(position));
        const parkedPoison = poisonPassed.filter(({ position }) => kept.parked.has(position)).length;
        expect(poisonKept + parkedPoison).toBe(poisonPassed.length);
      }
    }
    expect(given?.cursor).toBeGreaterThan(10);
    const after = await keptIn(path);
    expect([after.letters.size, after.parked.size]).toEqual([0, 0]);
    const events = await eventsIn(path);
    const positionOf = new Map(events.map(({ stream, version, position }) => [keyOf(stream, version), position]));
    expectOrder(
      lines,
      (stream, version) => onFailure !== 'park-stream' && isPoison(positionOf.get(keyOf(stream, version)) ?? 0),
    );
  },
);
