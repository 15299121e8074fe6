/**
 * Every step that a processor's machine takes, found by walking the machine itself through a few worlds: what its chart is
 * drawn from.
 */
import { getAdjacencyMap } from 'xstate/graph';
import { processorMachine } from '#actors/processor.machine';
import {
  essenceOf,
  type Happening,
  happeningsIn,
  type ProcessorSnapshot,
  type ProcessorWorld,
  worlds,
} from './processor-environment.ts';
import { FakePorts } from './processor-ports-fake.ts';

/** What happened once; paths are those of the innermost active states. */
export interface ProcessorStep {
  readonly from: string;
  readonly to: string;
  readonly event: string;
  readonly isOrdered: boolean;
}

const orderTypes: ReadonlySet<string> = new Set([
  'START',
  'STOP',
  'PAUSE',
  'RESUME',
  'RETRY_NOW',
  'SKIP',
  'REPLAY',
  'RESET',
]);

const [failing, parking] = worlds as readonly [ProcessorWorld, ProcessorWorld];
/** Gives events up, and tries first: everything may be in trouble here. */
const trying: ProcessorWorld = {
  ...parking,
  policy: { ...parking.policy, retry: { ...parking.policy.retry, attempts: 1 } },
};

function given(...types: readonly string[]): readonly Happening[] {
  return types.map((type) => (type === 'RESET' ? ({ type, to: 0 } as Happening) : { type }));
}

/** Together they have all steps that the larger ones below have, in a third of the time. */
export const chartWorlds: readonly ProcessorWorld[] = [
  { ...trying, orders: given('START', 'REPLAY'), isFar: true },
  { ...trying, orders: given('START', 'STOP', 'PAUSE', 'SKIP', 'REPLAY') },
  { ...trying, orders: given('START', 'PAUSE', 'RESUME', 'RETRY_NOW', 'RESET', 'REPLAY') },
  { ...failing, orders: [...given('START', 'STOP', 'PAUSE'), { type: 'RESET', to: 0, until: 1 } as Happening] },
];

const allOrders = [...failing.orders, ...given('SKIP', 'REPLAY')];
/** Everything at once. */
export const largeWorlds: readonly ProcessorWorld[] = [
  { ...failing, orders: allOrders },
  { ...parking, orders: allOrders },
  { ...trying, orders: parking.orders, isFar: true },
];

/** The steps that change anything, each kind of them at least once. */
export function* processorSteps(world: ProcessorWorld): Generator<ProcessorStep> {
  const adjacency = getAdjacencyMap(processorMachine(world.policy, new FakePorts().ports), {
    input: { isStarted: false },
    events: ((state: ProcessorSnapshot) => happeningsIn(world, state)) as never,
    serializeState: (state: ProcessorSnapshot) => essenceOf(world, state),
    limit: 1_000_000,
  });
  for (const [essence, { state: before, transitions }] of Object.entries(adjacency)) {
    const taken = Object.values(transitions) as { readonly event: Happening; readonly state: ProcessorSnapshot }[];
    for (const { event, state: after } of taken) {
      if (essenceOf(world, after) === essence) continue;
      const isOrdered = orderTypes.has(event.type) || isUnderOrder(before) || isUnderOrder(after);
      yield { from: pathOf(before.value), to: pathOf(after.value), event: event.type, isOrdered };
    }
  }
}

/** Whether an order was given that is not obeyed yet; the handler, and a store that closes, give some too. */
function isUnderOrder({ context: { order, reset, until } }: ProcessorSnapshot): boolean {
  return order !== undefined || reset !== undefined || until !== undefined;
}

function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[key, inner] = ['', '']] = Object.entries(value as object);
  return `${key}.${pathOf(inner)}`;
}
