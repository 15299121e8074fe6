/** Which orders are offered: those that would change something, in every state that a processor can be in. */
import { expect, test } from 'vitest';
import { getNextSnapshot } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import type { ProcessorOrder } from '#actors/bus-status';
import { type ProcessorEvent, processorMachine } from '#actors/processor.machine';
import { isBehind, isSkippable } from '#actors/processor-decisions';
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

/** All states take seconds: otherwise one is looked at of those that are the same as far as orders are concerned. */
const isLong = process.env.TEST_LONG !== undefined;

function roughly({ status, value, context }: ProcessorSnapshot): string {
  const { order, reset, trouble, unsaved } = context;
  const has = [reset, trouble, unsaved].map((part) => part !== undefined);
  return JSON.stringify([status, value, order, isSkippable(context), isBehind(context), ...has]);
}

test.each(worlds)(
  'what is offered is what changes something, in the states of the machine ($policy.onFailure)',
  (world) => {
    const machine = processorMachine(world.policy, new FakePorts().ports);
    const essence = (state: ProcessorSnapshot) => essenceOf(world, state);
    const states = Object.values(
      getAdjacencyMap(machine, {
        input: { isStarted: false },
        events: ((state: ProcessorSnapshot) => happeningsIn(world, state)) as never,
        serializeState: isLong ? essence : roughly,
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

    expect(states.length).toBeGreaterThan(isLong ? 500 : 100);
    expect(wrong.slice(0, 3)).toEqual([]);
  },
);
