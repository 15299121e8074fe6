/**
 * Keys and `kill -9`: while a key is made, erased, or all are wrapped anew, at every step that is done to the file of keys, and
 * around the commit that belongs to it. Whatever was killed, the store opens, and is as before or as after: every event that was
 * acked can be read, unless its stream or subject was erased since; what was erased stays so; one master key opens it.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ErasureFact } from '#kernel/log/erasure';
import { keyFileSteps } from '#kernel/storage/key-storage';
import { type Bus, openBus } from '#store';
import { collect } from '../kit/collect.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program } from '../kit/crash-process.ts';
import { Random } from '../kit/crash-workload.ts';
import type { ErasingDeed, ErasingOptions, ErasingPoint, Said } from './programs/erasing.ts';

const program = new URL('./programs/erasing.ts', import.meta.url);
const ofReplacing: readonly ErasingPoint[] = [
  ...keyFileSteps.slice(keyFileSteps.indexOf('new-made')),
  'before-commit',
  'after-commit',
];
const pointsByDeed: Readonly<Record<ErasingDeed, readonly ErasingPoint[]>> = {
  append: ['appended', 'append-synced', 'before-commit', 'after-commit'],
  erase: ofReplacing,
  rotate: ofReplacing,
};
const isLong = process.env.TEST_LONG !== undefined;
const cycles = isLong ? 10 : 1;
/** A third of the points each day, all of them with TEST_LONG. */
const day = Math.floor(Date.now() / 86_400_000);

interface Known {
  readonly stream: string;
  readonly subject?: string | undefined;
  /** `maybe`: an erasure that was killed, or the append itself was. */
  state: 'readable' | 'erased' | 'maybe-erased' | 'maybe-there';
}

/** What is known of every event by its text, and which keys may open the store. */
class Witness {
  readonly events = new Map<string, Known>();
  keys: number[];

  constructor(key: number) {
    this.keys = [key];
  }

  hear(line: string): void {
    const said = JSON.parse(line) as Said;
    if (said.say === 'appending') this.events.set(said.text, { ...said, state: 'maybe-there' });
    else if (said.say === 'appended') (this.events.get(said.text) as Known).state = 'readable';
    else if (said.say === 'refused') this.events.delete(said.text);
    else if (said.say === 'erasing') this.#mark(said.what, 'readable', 'maybe-erased');
    else if (said.say === 'erased') this.#mark(said.what, 'maybe-erased', 'erased');
    else if (said.say === 'rotating') this.keys = [this.keys[0] as number, said.key];
    else if (said.say === 'rotated') this.keys = [said.key];
  }

  /** What the store shows becomes what is known. */
  check(stored: ReadonlyMap<string, 'readable' | 'erased'>): void {
    const halfErased = new Set<string>();
    for (const [text, known] of this.events) {
      const found = stored.get(text);
      if (known.state === 'maybe-there') {
        if (found === undefined) this.events.delete(text);
        else known.state = found;
        continue;
      }
      expect(found, `${text} is there`).toBeDefined();
      if (known.state === 'maybe-erased') {
        halfErased.add(found as string);
        known.state = found as 'readable' | 'erased';
      } else expect(found, text).toBe(known.state);
    }
    expect(halfErased.size, 'an erasure is whole, or nothing').toBeLessThanOrEqual(1);
  }

  #mark(what: { stream?: string; subject?: string }, from: Known['state'], to: Known['state']): void {
    for (const known of this.events.values()) {
      const isOf = known.stream === what.stream || (known.subject !== undefined && known.subject === what.subject);
      if (isOf && known.state === from) known.state = to;
    }
  }
}

async function openWithOne(path: string, witness: Witness): Promise<Bus> {
  for (const key of [...witness.keys].reverse()) {
    try {
      const encryption = { masterKey: new Uint8Array(32).fill(key) };
      const bus = await openBus({ path, inline: true, force: ['network-file-system'], encryption });
      witness.keys = [key];
      return bus;
    } catch (error) {
      expect(error).toMatchObject({ code: 'MASTER_KEY_WRONG' });
    }
  }
  throw new Error(`none of the keys ${witness.keys.join(', ')} opens the store`);
}

async function check(path: string, witness: Witness): Promise<void> {
  const bus = await openWithOne(path, witness);
  try {
    const stored = new Map<string, 'readable' | 'erased'>();
    const facts: ErasureFact[] = [];
    for (const { id, stream, data, erased } of await collect(bus.read())) {
      if (stream === '$bus') {
        facts.push(data as ErasureFact);
        continue;
      }
      if (!erased) expect(data).toEqual({ text: id });
      stored.set(id, erased ? 'erased' : 'readable');
    }
    witness.check(stored);
    const report = await bus.verify();
    expect(report.problems).toEqual([]);
    const told = facts.flatMap(({ keys }) => keys);
    expect(told.length, 'each key is told of once').toBe(new Set(told).size);
    expect(told.length).toBe(bus.info().encryption?.erasedKeys);
  } finally {
    await bus.close();
  }
}

test.each(Object.keys(pointsByDeed) as ErasingDeed[])(
  'no key is lost and none comes back, killed during %s',
  {
    timeout: 1_200_000,
  },
  async (during) => {
    const path = join(crashDirectory(), 'store');
    const random = new Random(Number(process.env.TEST_SEED ?? Date.now() % 1e9));
    const witness = new Witness(1);
    for (let cycle = 0; cycle < cycles; cycle++) {
      for (const [index, point] of pointsByDeed[during].entries()) {
        if (!isLong && (index + day) % 3 > 0) continue;
        const options: ErasingOptions = {
          path,
          seed: random.integer(0, 2 ** 30),
          key: witness.keys[0] as number,
          during,
          point,
          passes: random.integer(1, 4),
        };
        const run = Program.start(program, options);
        run.onLine((line) => witness.hear(line));
        expect(await run.ended()).toMatchObject({ signal: 'SIGKILL', stderr: '' });
        await check(path, witness);
      }
    }

    expect(witness.events.size).toBeGreaterThan(0);
  },
);
