/**
 * One round of the kill tests: a writer in a process of its own, killed at a random moment, and all that is checked then.
 *
 * A follower, a process that only reads, goes through all rounds of a store and may never have seen what is gone.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Bus, isBusError, openBus } from '#store';
import type { CrashWriterOptions } from '../durability/programs/crash-writer.ts';
import { crashDirectory } from './crash-directory.ts';
import { CrashModel } from './crash-model.ts';
import { Program, waitUntil } from './crash-process.ts';
import { SeenFile } from './crash-seen.ts';
import { readWitness } from './crash-witness.ts';
import { Random, type Style, type Workload } from './crash-workload.ts';

export const roundsTotal = process.env.TEST_LONG ? 200 : 8;
/** Repeats the random choices of a run; the moments of the kills are never quite the same. */
export const crashSeed = process.env.TEST_SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.TEST_SEED);
export const roundsTimeoutMs = 30_000 + roundsTotal * 10_000;

/** When a writer is killed: while it opens the store (for the first time: makes it), appends, or closes. */
export type Moment = 'opening' | 'appending' | 'closing';

/** One store with all that happened to it. */
export interface Store {
  readonly path: string;
  readonly durability: 'sync' | 'os';
  readonly model: CrashModel;
  readonly random: Random;
  readonly follower: Follower;
  rounds: number;
}

interface Follower {
  readonly program: Program;
  readonly seen: SeenFile;
}

export function newStore(random: Random, durability: 'sync' | 'os'): Store {
  const directory = crashDirectory();
  const path = join(directory, 'store');
  const seenPath = join(directory, 'seen');
  const program = Program.start(new URL('../durability/programs/follower.ts', import.meta.url), {
    path,
    seen: seenPath,
  });
  return {
    path,
    durability,
    model: new CrashModel(),
    random: new Random(random.integer(0, 2 ** 31)),
    follower: { program, seen: new SeenFile(seenPath) },
    rounds: 0,
  };
}

export function momentOf(random: Random): Moment {
  return random.pick(['appending', 'appending', 'opening', 'closing']);
}

/** Starts a writer, kills it at `moment`, and checks what it left. */
export async function crashRound(store: Store, moment: Moment, style: Style): Promise<void> {
  const { random, model } = store;
  const workload = { style, seed: random.integer(1, 2 ** 31) };
  const round = store.rounds++;
  const witness = `${store.path}.witness-${round}`;
  try {
    await crashWriter(store, moment, workload, witness);
    if (existsSync(join(store.path, 'log.mdb'))) {
      await checkReading(store, workload, witness);
      if (random.next() < 0.4) await checkWriting(store);
    } else {
      expect(readWitness(witness)).toEqual([]);
    }
  } catch (error) {
    throw new Error(
      `round ${round}, ${moment}, ${JSON.stringify(workload)}, head ${model.head}, TEST_SEED=${crashSeed}: ${String(error)}`,
      { cause: error },
    );
  }
}

async function crashWriter(store: Store, moment: Moment, workload: Workload, witness: string): Promise<void> {
  const { random, model, path, durability } = store;
  const acked = { mixed: random.integer(1, 250), tiny: random.integer(4200, 6000), bulk: random.integer(1, 12) }[
    workload.style
  ];
  const options: CrashWriterOptions = {
    path,
    witness,
    durability,
    workload,
    tellAfter: moment === 'appending' ? acked : -1,
    retries: random.next() < 0.5 ? model.pending : [],
    callsMax: moment === 'closing' ? Math.min(acked, 60) : 100_000,
  };
  const writer = Program.start(new URL('../durability/programs/crash-writer.ts', import.meta.url), options);
  await writer.expectLine('opening');
  if (moment === 'closing') {
    await writer.expectLine('open');
    await writer.expectLine('closing');
    await moments(random.next() * 15);
  } else if (moment === 'opening') {
    await moments(random.next() * 25);
  } else {
    await writer.expectLine('open');
    await writer.expectLine('acked');
    await moments(random.next() * 12);
  }
  await writer.crash();
  const { code, signal, stderr } = await writer.ended();
  if (signal !== 'SIGKILL' && !(moment === 'closing' && code === 0)) {
    throw new Error(`the writer ended by itself (${code ?? signal}): ${stderr}`);
  }
}

/** The random moment of a kill: nothing is waited for. */
function moments(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** As a reader finds the store, with nobody writing. */
async function checkReading(store: Store, workload: Workload, witness: string): Promise<void> {
  const bus = await openReader(store.path);
  if (bus === undefined) {
    expect(readWitness(witness)).toEqual([]);
    return;
  }
  try {
    await store.model.follow(bus, workload, readWitness(witness));
    await checkFollower(store, bus.head);
  } finally {
    await bus.close();
  }
}

/** Without LMDB's lock file, which the first writer makes after the store itself, no reader may open it. */
async function openReader(path: string): Promise<Bus | undefined> {
  try {
    return await openBus({ path, readOnly: true });
  } catch (error) {
    if (isBusError(error, 'STORE_READ_ONLY') && !existsSync(join(path, 'log.mdb-lock'))) return undefined;
    throw error;
  }
}

/** As the next writer finds it. */
async function checkWriting(store: Store): Promise<void> {
  const { model, path, durability } = store;
  const bus = await openBus({ path, durability });
  try {
    expect(bus.head).toBe(model.head);
    await model.retryPending(bus);
    await checkFollower(store, bus.head);
  } finally {
    await bus.close();
  }
}

/** The follower has seen all of the log, and nothing else. */
async function checkFollower({ follower, model }: Store, head: number): Promise<void> {
  const { program, seen } = follower;
  await waitUntil(`the follower sees position ${head}`, () => {
    for (const { position, id } of seen.readOn()) {
      const there = model.idAt(position);
      if (there !== id) throw new Error(`the follower saw ${id} at ${position}, where ${there} is`);
    }
    return program.hasEnded || seen.last >= head;
  });
  if (program.hasEnded) throw new Error(`the follower ended: ${(await program.ended()).stderr}`);
  expect(seen.last).toBe(head);
}

export async function endFollower({ follower }: Store): Promise<void> {
  const isAlive = !follower.program.hasEnded;
  await follower.program.crash();
  expect(isAlive).toBe(true);
}

export async function indexedPosition({ path }: Store): Promise<number> {
  const bus = await openBus({ path, readOnly: true });
  const { indexedPosition: indexed } = bus.info();
  await bus.close();
  return indexed;
}
