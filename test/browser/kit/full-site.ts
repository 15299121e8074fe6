/**
 * A dashboard with something on every page: processors in all kinds of states, partitions, dead letters, a projection, a machine,
 * events that are linked, sealed and erased.
 */
import { expect, onTestFinished } from 'vitest';
import { createActor, setup } from 'xstate';
import type { Bus } from '#actors/bus';
import { tempBus } from '../../kit/temp-store.ts';
import { testKey } from '../../kit/test-key.ts';
import { siteOf } from './site.ts';

/** Each page by its path below the base, with a text that is on it once it has all it asked for. */
export const fullSitePages: Readonly<Record<string, string>> = {
  '': 'Processors',
  'processors/live': 'Statechart',
  'processors/failed?tab=failures': 'the mail server is down',
  'processors/retrying': 'Statechart',
  'processors/parted': 'Partitions',
  'streams?prefix=order-': 'order-1',
  'streams/order-1': 'Placed',
  'events/1': 'Causes and effects',
  'events/2': 'erased',
  tail: 'Placed',
  'dead-letters?processor=letters': 'nobody lives there',
  'dead-letters?processor=letters&letter=1': 'The event',
  projections: 'totals',
  'projections/totals': 'order-1',
  actors: 'writer',
  'machines/door': 'closed',
};

/** Its address. */
export async function fullSite(): Promise<string> {
  const bus = await tempBus({ encryption: { masterKey: testKey } });
  bus.errors$.subscribe();
  const { firstPosition } = await bus.append('order-1', {
    type: 'Placed',
    data: { item: 'lamp', lines: [{ cents: 4900, at: new Date(0) }], note: null },
    metadata: { correlationId: 'request-1' },
  });
  await bus.append('order-2', { type: 'Placed', data: { item: 'chair' } });
  await bus.erase({ stream: 'order-2' });
  const cause = await bus.event(firstPosition);
  const metadata = { correlationId: 'request-1', causationId: cause?.id ?? '' };
  await bus.append('order-1', { type: 'Paid', data: { cents: 4900 }, metadata });
  await startProcessors(bus);
  const door = createActor(doorMachine).start();
  onTestFinished(() => void door.stop());
  return await siteOf(bus, { title: 'Orders', allowActions: true, machines: [door] });
}

async function startProcessors(bus: Bus): Promise<void> {
  const down = () => {
    throw new Error('the mail server is down');
  };
  const processors = [
    bus.processor({ name: 'live', handle: () => undefined }),
    bus.processor({ name: 'failed', handle: down, retry: { attempts: 0 } }),
    bus.processor({ name: 'retrying', handle: down, retry: { minMs: 60_000, maxMs: 60_000 } }),
    bus.processor({ name: 'parted', handle: () => undefined, partitions: 4 }),
    bus.processor({
      name: 'letters',
      types: ['Placed'],
      handle: (_, { deadLetter }) => deadLetter('nobody lives there'),
      onFailure: 'dead-letter',
    }),
    bus.projection<number>({
      name: 'totals',
      version: 1,
      on: { Paid: (view, { stream }) => view.update(stream, (count = 0) => count + 1) },
    }),
  ];
  for (const processor of processors) processor.start();
  bus.processor({ name: 'idle', handle: () => undefined });
  const states = () => processors.map(({ status }) => status.state);
  await expect.poll(states).toEqual(['live', 'failed', 'retrying', 'live', 'live', 'live']);
}

const doorMachine = setup({}).createMachine({
  id: 'door',
  initial: 'closed',
  states: {
    closed: {
      initial: 'locked',
      states: { locked: { on: { UNLOCK: 'unlocked' } }, unlocked: {} },
      on: { OPEN: 'open' },
    },
    open: { on: { CLOSE: 'closed' } },
  },
});
