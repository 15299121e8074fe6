/**
 * A store with encryption that is appended to, erased from, and whose master key is rotated, until the program kills itself at a
 * named point. The writer is inline, so that what it does to files and log is done here.
 *
 * Says what it is about to do, and what is done, in lines of JSON: {@link Said}.
 */
import { writeSync } from 'node:fs';
import { busOn } from '#actors/open-bus';
import { storeOn } from '#actors/open-store';
import { resolveOptions } from '#actors/options';
import { unlockKeys } from '#actors/store-keys';
import { initialMetaRows } from '#kernel/log/store-meta';
import { type KeyFileStep, KeyFileStorage } from '#kernel/storage/key-storage';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';
import { Random } from '../../kit/crash-workload.ts';
import { HookedEngine } from '../../kit/hooked-engine.ts';

/** While something is done to the file of keys, or before or after the commit that belongs to it. */
export type ErasingPoint = KeyFileStep | 'before-commit' | 'after-commit';
export type ErasingDeed = 'append' | 'erase' | 'rotate';

export interface ErasingOptions {
  readonly path: string;
  readonly seed: number;
  /** First byte of the master key. */
  readonly key: number;
  /** What it is doing when it is killed, and where; not before it has done so many of those. */
  readonly during: ErasingDeed;
  readonly point: ErasingPoint;
  readonly passes: number;
}

export type Said =
  | {
      readonly say: 'appending' | 'appended';
      readonly stream: string;
      readonly subject?: string;
      readonly text: string;
    }
  | { readonly say: 'refused'; readonly text: string }
  | { readonly say: 'erasing' | 'erased'; readonly what: { readonly stream: string } | { readonly subject: string } }
  | { readonly say: 'rotating' | 'rotated'; readonly key: number };

const options = JSON.parse(process.argv[2] as string) as ErasingOptions;
const random = new Random(options.seed);
let doing: ErasingDeed | undefined;
let passesLeft = options.passes;
let { key } = options;

const resolved = resolveOptions({
  path: options.path,
  inline: true,
  force: ['network-file-system'],
  encryption: { masterKey: new Uint8Array(32).fill(key) },
});
const storage = new KeyFileStorage({ directory: options.path, onStep: pass });
const keys = await unlockKeys(storage, resolved.encryption, undefined);
const engine = await openLmdbEngine({
  ...resolved,
  directory: options.path,
  initialRows: initialMetaRows(resolved.durability, Date.now()),
});
const bus = await busOn(async (events) => storeOn(new HookedEngine(engine, passing), resolved, events, keys), resolved);

for (let count = 0; ; count++) {
  const chance = random.next();
  if (chance < 0.8) await append(count);
  else if (chance < 0.95) await erase();
  else await rotate();
}

async function append(count: number): Promise<void> {
  const stream = `s${random.integer(0, 6)}`;
  const subject = random.next() < 0.4 ? `p${random.integer(0, 4)}` : undefined;
  const text = `${options.seed}-${count}`;
  const told = { stream, text, ...(subject !== undefined && { subject }) };
  say({ say: 'appending', ...told });
  doing = 'append';
  try {
    // By its id an event is known when nothing of its data is left.
    const event = { type: 't', id: text, data: { text }, ...(subject !== undefined && { subject }) };
    // Now and then a name that was erased begins anew.
    await bus.append(stream, event, { newKeyGeneration: random.next() < 0.3 });
    say({ say: 'appended', ...told });
  } catch (error) {
    if ((error as { code?: string }).code !== 'KEY_ERASED') throw error;
    say({ say: 'refused', text });
  }
  doing = undefined;
}

async function erase(): Promise<void> {
  const what = random.next() < 0.5 ? { stream: `s${random.integer(0, 6)}` } : { subject: `p${random.integer(0, 4)}` };
  say({ say: 'erasing', what });
  doing = 'erase';
  await bus.erase(what);
  doing = undefined;
  say({ say: 'erased', what });
}

async function rotate(): Promise<void> {
  key++;
  say({ say: 'rotating', key });
  doing = 'rotate';
  await bus.rotateMasterKey(new Uint8Array(32).fill(key));
  doing = undefined;
  say({ say: 'rotated', key });
}

function say(said: Said): void {
  writeSync(1, `${JSON.stringify(said)}\n`);
}

function pass(point: ErasingPoint): void {
  if (doing !== options.during || point !== options.point || passesLeft-- > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal comes when the kernel likes.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function passing(commit: () => void): void {
  pass('before-commit');
  commit();
  pass('after-commit');
}
