/**
 * Does the same thing over and over and prints what it holds, as JSON: after a tenth of the cycles, and in the end.
 */
import { readdirSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, connectBus, openBus } from '#store';

export interface CyclesOptions {
  readonly path: string;
  readonly what: 'processors' | 'subscriptions' | 'heads' | 'buses' | 'threads' | 'queries' | 'events';
  readonly count: number;
}

export interface Holdings {
  readonly heapBytes: number;
  readonly listeners: number;
  readonly files: number;
  /** What keeps the event loop, by kind and number. */
  readonly resources: Readonly<Record<string, number>>;
}

const { path, what, count } = JSON.parse(process.argv[2] as string) as CyclesOptions;
const event = { type: 'cycled', data: { text: 'x'.repeat(100) } };
const queryModule = new URL('../../actors/query-modules/ending.ts', import.meta.url);

const bus = await openBus({ path });
await bus.append('a', event);
const processor = bus.processor({ name: 'cycled', handle: () => undefined, checkpoint: { events: 1000, ms: 50 } });

const cycles: Record<CyclesOptions['what'], (bus: Bus, cycle: number) => Promise<unknown>> = {
  async processors() {
    processor.start();
    await processor.caughtUp();
    await processor.stop();
  },
  async subscriptions(on) {
    const left = new AbortController();
    const iterator = on.subscribe({ after: on.head, signal: left.signal })[Symbol.asyncIterator]();
    const waiting = iterator.next().catch(() => undefined);
    left.abort();
    await waiting;
  },
  async heads(on) {
    on.head$.subscribe().unsubscribe();
  },
  async buses(_on, cycle) {
    const another = await openBus({ path: `${path}-${cycle % 3}` });
    await another.append('a', event);
    await another.close();
  },
  async threads(on) {
    const connected = await connectBus(on.port());
    await connected.append('a', event);
    await connected.close();
  },
  queries: (on) => on.query(queryModule, { args: 'none' }),
  async events(on) {
    await on.append(
      'a',
      Array.from({ length: 1000 }, () => event),
    );
    await processor.reached(on.head);
  },
};

const rounds = what === 'events' ? count / 1000 : count;
if (what === 'events') processor.start();
for (let cycle = 0; cycle < rounds; cycle++) {
  if (cycle === Math.ceil(rounds / 10)) await tell();
  await cycles[what](bus, cycle);
}
await tell();
await bus.close();

async function tell(): Promise<void> {
  // Twice with a pause: what finalizers let go of, the next collection takes.
  for (let turn = 0; turn < 3; turn++) {
    await delay(30);
    globalThis.gc?.();
  }
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    // The status file is being written just now: that ends by itself.
    if (kind !== 'FSReqCallback') resources[kind] = (resources[kind] ?? 0) + 1;
  }
  const holdings: Holdings = {
    heapBytes: process.memoryUsage().heapUsed,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    files: readdirSync('/proc/self/fd').length,
    resources,
  };
  writeSync(1, `${JSON.stringify(holdings)}\n`);
}
