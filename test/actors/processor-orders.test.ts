/** Which orders are offered: those that would change something, in every state that a processor can be in. */
import { expect, test } from 'vitest';
import { getNextSnapshot } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import type { ProcessorOrder } from '#actors/bus-status';
import { type ProcessorEvent, processorMachine } from '#actors/processor.machine';
import { ordersOf } from '#actors/processor-orders';
import { essenceOf, happeningsIn, type ProcessorSnapshot, worlds } from '../kit/processor-environment.ts';
import { FakePorts } from '../kit/processor-ports-fake.ts';

const events: readonly ProcessorEvent[] = [
  { type: 'START' },
  { type: 'PAUSE' },
  { type: 'RESUME' },
  { type: 'RETRY_NOW' },
  { type: 'SKIP' },
  // Another one than may have been ordered before.
  { type: 'RESET', to: 2 },
  { type: 'STOP' },
];
const open = { isClosed: false, isToStartAgain: false, hasCrashed: false };

test.each(worlds)(
  'what is offered is what changes something, in every state of the machine ($policy.onFailure)',
  (world) => {
    const machine = processorMachine(world.policy, new FakePorts().ports);
    const essence = (state: ProcessorSnapshot) => essenceOf(world, state);
    const states = Object.values(
      getAdjacencyMap(machine, {
        input: { isStarted: false },
        events: ((state: ProcessorSnapshot) => happeningsIn(world, state)) as never,
        serializeState: essence,
        limit: 1_000_000,
      }),
    ).map(({ state }) => state as ProcessorSnapshot);

    const wrong: unknown[] = [];
    for (const state of states) {
      if (state.status !== 'active' || state.context.order === 'stop') continue;
      const before = essence(state);
      const changing = events.filter((event) => essence(getNextSnapshot(machine, state, event)) !== before);
      const offered = ordersOf(state, open);
      const expected = changing.map(({ type }) => type as ProcessorOrder);
      if (JSON.stringify(offered) !== JSON.stringify(expected)) wrong.push({ before, offered, expected });
    }

    expect(states.length).toBeGreaterThan(500);
    expect(wrong.slice(0, 3)).toEqual([]);
  },
);
