/**
 * Canaries in events of every size, in everything a bus makes of events: in no file while they are sealed, and in no answer
 * once they are erased.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { firstValueFrom, map } from 'rxjs';
import { expect, test } from 'vitest';
import { type Bus, openBus, type StoredEvent } from '#store';
import { Program, runCli, startCli } from '../cli/child-program.ts';
import { type CanaryCase, canaryPlaces, filesWith, tells, toldBy } from '../kit/canary.ts';
import { canaryAggregate, canaryKey } from '../kit/canary-store.ts';
import { collect } from '../kit/collect.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { tempDirectory } from '../kit/temp-store.ts';
import { nodeArguments } from '../kit/test-key.ts';
import type { CanaryOptions } from './programs/canary.ts';

const canary = 'K4n4r13nv0g3l-1n-d3r-Gr8b3';
const isLong = process.env.TEST_LONG !== undefined;
const largeBytes = 5 * 2 ** 20;

const fillings = isLong ? [0, 1, 2048, 65_536, largeBytes] : [0, 2048];
const cases: CanaryCase[] = fillings.flatMap((fillBytes) => canaryPlaces.map((place) => ({ place, fillBytes })));
if (!isLong) cases.push({ place: 'map key', fillBytes: 65_536 }, { place: 'value', fillBytes: largeBytes });

const program = fileURLToPath(new URL('programs/canary.ts', import.meta.url));

interface Written {
  /** Of the store, its process's temporary files, and its working directory. */
  readonly directory: string;
  readonly path: string;
  /** Lets the process end. */
  end(): Promise<{ stdout: string; stderr: string }>;
}

/** A store with everything in it, and the process that has written it. */
async function written(options: Pick<CanaryOptions, 'cases' | 'isSealed'>): Promise<Written> {
  const directory = tempDirectory();
  const path = join(directory, 'store');
  const temporary = join(directory, 'tmp');
  mkdirSync(temporary);
  const given: CanaryOptions = { path, canary, ...options };
  const writer = new Program([...nodeArguments, program, JSON.stringify(given)], {
    directory,
    env: { TMPDIR: temporary, NODE_COMPILE_CACHE: undefined },
  });
  await writer.untilLines(1);
  return {
    directory,
    path,
    async end() {
      writer.child.stdin?.end();
      const { code, stdout, stderr } = await writer.ended;
      expect([code, stdout], stderr).toEqual([0, 'written\n']);
      return { stdout, stderr };
    },
  };
}

const isTold = (bytes: Uint8Array | string) => tells(bytes, canary);

test('without encryption the search finds what it looks for', async () => {
  const { path, directory, end } = await written({ cases: cases.slice(0, 4), isSealed: false });

  // What a process tells others of its failures, which comes a moment after them.
  const isStatus = (file: string) => file === join(path, 'status');
  expect(filesWith(directory, isTold).filter((file) => !isStatus(file))).toEqual([join(path, 'log.mdb')]);
  await end();
});

/** The wrapped data keys in a file of keys, with their nonces and tags, by id. */
function wrappedKeys(path: string): Map<number, Buffer> {
  const file = readFileSync(join(path, 'keys'));
  const found = new Map<number, Buffer>();
  for (let at = 768; at < file.length; at += 128) {
    if (file[at] === 1) found.set(file.readUInt32LE(at + 4), Buffer.from(file.subarray(at + 60, at + 120)));
  }
  return found;
}

/** A process that has read all there is, and does so again for each line it gets. */
async function readingProcess(path: string) {
  const source = `
    import { createInterface } from 'node:readline';
    import { inspect } from 'node:util';
    import { openBus } from '#store';
    const [path, key] = process.argv.slice(1);
    const bus = await openBus({ path, readOnly: true, encryption: { masterKey: Buffer.from(key, 'hex') } });
    for await (const _ of createInterface({ input: process.stdin })) {
      const all = [];
      for await (const event of bus.read()) all.push(event);
      console.log(JSON.stringify(inspect(all, { depth: 9, maxArrayLength: Infinity, maxStringLength: 2000 })));
    }
    await bus.close();`;
  const key = Buffer.from(canaryKey).toString('hex');
  const reader = new Program([...nodeArguments, '--input-type=module', '--eval', source, path, key]);
  let looks = 0;
  return {
    async look(): Promise<string> {
      reader.child.stdin?.write('\n');
      return (await reader.untilLines(++looks)).at(-1) as string;
    },
  };
}

test('what is sealed is in no file, and what is erased is in no answer', { timeout: 120_000 }, async () => {
  const { path, directory, end } = await written({ cases, isSealed: true });

  expect(filesWith(directory, isTold)).toEqual([]);
  const { stderr } = await end();
  expect(stderr).toContain('EVENT_GIVEN_UP, processor dead-letter, position 1');
  expect(isTold(stderr), stderr.slice(0, 4000)).toBe(false);
  expect(filesWith(directory, isTold)).toEqual([]);

  const encryption = { masterKey: canaryKey };
  await using bus = await openBus({ path, encryption });
  const thread = await ConnectedThread.start(bus);
  const reader = await readingProcess(path);
  const projection = bus.projection<string>({
    name: 'told',
    version: 1,
    on: { said: (view, event) => view.set(String(event.position), toldBy(event)) },
  });
  projection.start();
  await projection.caughtUp();
  const keyFile = join(directory, 'master-key');
  writeFileSync(keyFile, Buffer.from(canaryKey).toString('hex'), { mode: 0o600 });
  const positions = (await collect(bus.read())).map(({ position }) => position);
  const kept = await collect(bus.read({ prefix: 'case-' }));
  const cli = async (...command: string[]) => (await runCli(...command, path, '--key-file', keyFile, '--json')).stdout;
  const everybody: Record<string, () => Promise<unknown>> = {
    read: () => collect(bus.read()),
    'read, backward': () => collect(bus.read({ direction: 'backward' })),
    readStream: () => Promise.all(cases.map((_, index) => collect(bus.readStream(`case-${index}`)))),
    event: () => Promise.all(positions.map((position) => bus.event(position))),
    subscribe: () => firstEvents(bus, positions.length),
    'a query in a thread': () => bus.query(new URL('../actors/query-modules/collecting.ts', import.meta.url)),
    'a connected thread': () => thread.data(),
    'another process': () => reader.look(),
    deadLetters: () => Promise.all(['dead-letter', 'park-stream'].map((name) => collect(bus.deadLetters(name).list()))),
    timers: () => collect(bus.timers()),
    aggregate: () => Promise.all(cases.map((_, index) => canaryAggregate(bus).load(String(index)))),
    'projection.get': () => Promise.all(positions.map((position) => projection.get(String(position)))),
    'projection.range': () => collect(projection.range()),
    'projection.watch': () => firstValueFrom(projection.watch('1').pipe(map((value) => [value]))),
    'view.range': () => collect(bus.view<string>('told').range()),
    'varvebus read': () => cli('read'),
    'varvebus timers': () => cli('timers'),
    'varvebus dead-letters': async () => {
      const command = async (name: string, ...more: string[]) =>
        (await runCli('dead-letters', path, name, '--key-file', keyFile, '--json', ...more)).stdout;
      return [await command('dead-letter'), await command('park-stream'), await command('dead-letter', '--show', '1')];
    },
    'varvebus tail': async () => {
      const tail = startCli('tail', path, '--after', '0', '--key-file', keyFile, '--json');
      await tail.untilLines(positions.length);
      tail.child.kill('SIGTERM');
      return (await tail.ended).stdout;
    },
  };
  for (const [name, ask] of Object.entries(everybody)) expect(isTold(shown(await ask())), name).toBe(true);
  const keys = wrappedKeys(path);

  const receipts = await Promise.all([
    bus.erase({ subject: 'ann' }),
    ...cases.flatMap((_, index) => [
      bus.erase({ stream: `case-${index}` }),
      bus.erase({ stream: `aggregate-${index}` }),
    ]),
  ]);

  for (const receipt of receipts) expect(receipt).toMatchObject({ final: true, plainEvents: 0 });
  for (const [name, ask] of Object.entries(everybody)) {
    if (name === 'varvebus tail') continue;
    expect(isTold(shown(await ask())), name).toBe(false);
  }
  const told = await collect(bus.read({ to: positions.length }));
  expect(told.filter(({ erased }) => erased === true)).toHaveLength(positions.length);
  // Of what was given out before only what was never looked at is gone.
  expect(kept.map((event) => [event.data, event.metadata])).toEqual(kept.map(() => [undefined, undefined]));
  const left = wrappedKeys(path);
  const gone = [...keys].filter(([id]) => !left.has(id));
  expect(gone.length).toBeGreaterThanOrEqual(2 * cases.length);
  for (const [, wrapped] of gone) expect(filesWith(directory, (bytes) => bytes.includes(wrapped))).toEqual([]);
  expect(await bus.verify({ erased: true })).toMatchObject({ ok: true });
  expect(filesWith(directory, isTold)).toEqual([]);
});

async function firstEvents(bus: Bus, count: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of bus.subscribe({ after: 0 })) {
    if (events.push(event) === count) break;
  }
  return events;
}

/** All that is in `value`; of long texts the beginning. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  return inspect(value, { depth: 12, maxArrayLength: Infinity, maxStringLength: 5000, breakLength: Infinity });
}
