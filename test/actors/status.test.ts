/** What a process that writes a store tells others, as they see it: real processes, real files. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { BusStatus } from '#actors/bus-status';
import { type StatusReader, statusFileOf } from '#actors/status-reader';
import { openBus } from '#store';
import type { TellingOptions } from '../durability/programs/telling.ts';
import { tells } from '../kit/canary.ts';
import { canaryKey } from '../kit/canary-store.ts';
import { Program, waitUntil } from '../kit/crash-process.ts';
import { type BusOptions, tempBus, tempDirectory } from '../kit/temp-store.ts';

/** No name that stands in a program. */
const secret = 'K4n4r13nv0g3l-1n-d3r-Gr8b3';
const isRoot = process.getuid?.() === 0;

async function telling(options: Partial<TellingOptions> = {}) {
  const path = join(tempDirectory(), 'store');
  const given = { path, inline: false, isEncrypted: false, secret, ...options };
  const program = Program.start(new URL('../durability/programs/telling.ts', import.meta.url), given);
  const said: string[] = [];
  while (said.at(-1) !== 'ready') said.push(await program.line());
  const encryption = given.isEncrypted ? { masterKey: canaryKey } : undefined;
  const bus = await openBus({ path: given.path, readOnly: true, encryption });
  onTestFinished(() => bus.close());
  return { path: given.path, program, said, bus, reader: statusFileOf(bus) as StatusReader };
}

/** A status of which `isSo` holds. */
async function told(reader: StatusReader, isSo: (status: BusStatus) => boolean): Promise<BusStatus> {
  await waitUntil('a status', () => {
    const status = reader.read();
    return status !== undefined && isSo(status);
  });
  return reader.read() as BusStatus;
}

/** What is to be seen of the processors of programs/telling.ts. */
async function expectAll({ program, reader }: Awaited<ReturnType<typeof telling>>): Promise<void> {
  const isAll = ({ processors, eventsRead }: BusStatus) =>
    eventsRead >= 36 &&
    processors.slice(0, 3).every(({ status }) => status.state === 'live') &&
    (processors[3]?.status.context.attempts ?? 0) > 1;
  const status = await told(reader, isAll);
  expect(status).toMatchObject({ pid: program.pid, state: 'open', head: 12 });
  expect(status.commits.count).toBeGreaterThanOrEqual(6);
  expect(status.processors.map(({ name, status: { state }, lanes }) => [name, state, lanes.length])).toEqual([
    ['good', 'live', 1],
    ['parted', 'live', 3],
    ['threaded', 'live', 1],
    ['failing', expect.stringMatching('retrying|live|catching-up'), 1],
  ]);
  expect(status.processors[1]?.status.partitions).toHaveLength(3);
  const lastError = { name: 'TypeError', code: secret, message: `no ${secret}` };
  expect(status.processors[3]?.status.context.lastError).toEqual(lastError);
}

test('another process sees every processor, its state, attempts and partitions, until the bus is closed', async () => {
  const there = await telling();
  const { program, reader, path } = there;

  await expectAll(there);
  program.send('append');
  await told(reader, ({ head }) => head === 13);
  program.send('close');
  await program.expectLine('did append');
  await program.expectLine('did close');

  // Its process goes on.
  expect([reader.read(), statSync(join(path, 'status')).size]).toEqual([undefined, 64]);
});

test('a killed process is gone from its status at once, and the next one has its own; also with the writer inline', async () => {
  const there = await telling({ inline: true });
  const { program, reader, path } = there;
  await expectAll(there);

  await program.crash();

  expect(reader.read()).toBeUndefined();
  await there.bus.close();
  const next = await openBus({ path });
  onTestFinished(() => next.close());
  await told(reader, ({ pid }) => pid === process.pid);
});

test('an encrypted store tells of its processors, and nothing of what events hold', async () => {
  const { reader, path } = await telling({ isEncrypted: true });

  const status = await told(reader, ({ processors }) => (processors[3]?.lanes[0]?.failures.length ?? 0) > 1);

  expect(tells(readFileSync(join(path, 'status')), secret)).toBe(false);
  expect(status.processors[3]?.status.context.lastError).toEqual({ name: 'TypeError', message: expect.any(String) });
  expect(status.processors[3]?.lanes[0]?.failing).toMatchObject({ stream: 'stream-0', type: 'told', position: 1 });
});

async function ownBus(options: BusOptions = {}) {
  const path = tempDirectory();
  const bus = await openBus({ path, ...options });
  onTestFinished(() => bus.close());
  return { path, bus, reader: statusFileOf(bus) as StatusReader };
}

test('at rest the file is left alone, and reading, a change of state or an append is told', async () => {
  const { path, bus, reader } = await ownBus();
  const changedAt = () => statSync(join(path, 'status')).mtimeMs;
  const processor = bus.processor({ name: 'p', handle: () => undefined });
  processor.start();
  await bus.append('a', { type: 'x' });
  await processor.caughtUp();
  await told(reader, ({ processors }) => processors[0]?.status.context.cursor === 1);
  // What follows the last change is told a moment later.
  let before: number;
  do {
    before = changedAt();
    await setTimeout(300);
  } while (changedAt() !== before);

  const { eventsRead } = reader.read() ?? { eventsRead: 0 };
  await bus.event(1);
  await told(reader, (status) => status.eventsRead === eventsRead + 1);
  await setTimeout(300);
  bus.processor({ name: 'idle', handle: () => undefined });
  await told(reader, ({ processors }) => processors[1]?.status.state === 'idle');
  await bus.append('a', { type: 'x' });
  await told(reader, ({ head }) => head === 2);
});

test('a status that has not changed is the same object', async () => {
  const { bus, reader } = await ownBus();
  await bus.append('a', { type: 'x' });
  const status = await told(reader, ({ head }) => head === 1);

  expect(reader.read()).toBe(status);
});

test('a bus in memory, and one that only reads, have no file', async () => {
  const memory = await tempBus();
  const { path, bus } = await ownBus();
  await bus.append('a', { type: 'x' });
  await bus.close();
  const reading = await openBus({ path, readOnly: true });
  onTestFinished(() => reading.close());
  const size = () => (existsSync(join(path, 'status')) ? statSync(join(path, 'status')).size : 0);
  const before = size();
  for await (const _ of reading.read());
  await setTimeout(150);

  expect(statusFileOf(memory)).toBeUndefined();
  expect(statusFileOf(reading)?.read()).toBeUndefined();
  expect(size()).toBe(before);
});

test('where a directory stands in the place of the file, that is reported, and the bus goes on', async () => {
  const { path, bus } = await ownBus({ inline: true });
  mkdirSync(join(path, 'status'));
  const reported: unknown[] = [];
  bus.errors$.subscribe((error) => reported.push(error));

  await waitUntil('the report', () => reported.length > 0);
  await bus.append('a', { type: 'x' });

  expect(reported).toMatchObject([{ code: 'STATUS_UNWRITTEN', detail: { path: join(path, 'status') } }]);
  expect(bus.head).toBe(1);
});

test.skipIf(!isRoot)('a process that may not write in the directory any more says so once, and works on', async () => {
  const { program, said, reader, bus, path } = await telling({ isNobody: true });
  const line = said.length > 1 ? said[0] : await program.line();

  expect(JSON.parse(line ?? '')).toEqual({ code: 'STATUS_UNWRITTEN', detail: { path: join(path, 'status') } });
  program.send('append');
  await program.expectLine('did append');
  expect([reader.read(), await bus.stream('later')]).toEqual([undefined, { version: 1, lastPosition: 13 }]);
});
