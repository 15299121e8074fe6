/**
 * A thread with a connected bus, which does what it is told: see test/kit/connected-thread.ts.
 */
import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { type Bus, connectBus, type StoredEvent } from '#store';
import type { ThreadOrder, ThreadReply } from '../../kit/connected-thread.ts';
import { counterOf } from '../../kit/counter.ts';

const main = parentPort;
if (main === null) throw new Error('this is a thread');
let bus: Bus;
let heads: number[] = [];
let held: StoredEvent | undefined;

const deeds: Record<ThreadOrder['do'], (...given: never[]) => unknown> = {
  connect: async () => {
    bus = await connectBus(workerData.port, { schemas: { checked: z.object({ n: z.int() }) } });
    return bus.capabilities;
  },
  append: (...given: Parameters<Bus['append']>) => bus.append(...given),
  publish: (...given: Parameters<Bus['publish']>) => bus.publish(...given),
  listen: (type: string) => {
    heads = [];
    bus.on(type, ({ position }) => heads.push(position));
  },
  /** Adds 1 to a counter so many times, by decisions on its state. */
  count: async (id: string, times: number) => {
    const counter = counterOf(bus, { every: 5 });
    for (let n = 0; n < times; n++) await counter.execute(id, 'count');
    return (await counter.load(id)).version;
  },
  /** Appends to `stream` one version after the other until it is at `last`, and tells which of them were its own. */
  race: async (stream: string, last: number) => {
    const won: number[] = [];
    for (let version = (await bus.stream(stream))?.version ?? 0; version < last; ) {
      try {
        const { lastVersion } = await bus.append(stream, { type: 'raced' }, { expectedVersion: version });
        won.push(lastVersion);
        version = lastVersion;
      } catch (error) {
        const { code, detail } = error as { code: string; detail: { actual: number } };
        if (code !== 'CONCURRENCY_CONFLICT') throw error;
        version = detail.actual;
      }
    }
    return won;
  },
  head: () => bus.head,
  read: async () => {
    const positions: number[] = [];
    for await (const { position } of bus.read()) positions.push(position);
    return positions;
  },
  data: async () => {
    const all: unknown[] = [];
    for await (const { data } of bus.read()) all.push(data);
    return all;
  },
  hold: async (position: number) => {
    held = await bus.event(position);
  },
  touch: () => held?.data,
  rotate: () => bus.rotateMasterKey(new Uint8Array(32)),
  surroundings: () => inspect({ workerData, env: process.env, bus }, { depth: 9 }),
  follow: async (after: number, count: number) => {
    const positions: number[] = [];
    for await (const { position } of bus.subscribe({ after })) {
      positions.push(position);
      if (positions.length === count) return positions;
    }
    return 'ended';
  },
  watch: () => {
    heads = [];
    bus.head$.subscribe((head) => heads.push(head));
  },
  heads: () => heads,
  port: () => bus.port(),
  /** Keeps the thread busy for good, with appends under way. */
  spin: (appends: number) => {
    for (let count = 0; count < appends; count++) void bus.append('spun', { type: 'spun', data: 'x'.repeat(1000) });
    for (;;);
  },
  exit: (appends: number) => {
    for (let count = 0; count < appends; count++) void bus.append('left', { type: 'left' });
    setImmediate(() => process.exit(3));
  },
  close: () => bus.close(),
};

main.on('message', async ({ number, do: deed, given }: ThreadOrder) => {
  let reply: ThreadReply;
  try {
    reply = { number, value: await deeds[deed](...(given as never[])) };
  } catch (error) {
    const { message, code, detail } = error as { message: string; code?: string; detail?: unknown };
    reply = { number, error: { message, code, detail } };
  }
  main.postMessage(reply);
});
