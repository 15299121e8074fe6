import { expect, test } from 'vitest';
import { eventWords } from '../../../src/dashboard/page/event-words.ts';

test.each([
  ['xstate.after.1500.light.red.walk', 'after 1.5 s'],
  ['xstate.after.backoff.processor.retrying', 'after backoff'],
  ['xstate.done.actor.work', 'work done'],
  ['xstate.error.actor.0.m.busy', '0.m.busy failed'],
  ['xstate.done.state.light.red', 'red done'],
  ['xstate.init', 'xstate.init'],
  ['ORDER_PLACED', 'ORDER_PLACED'],
  ['', 'at once'],
])('%j is told as %j', (type, words) => {
  expect(eventWords(type)).toBe(words);
});
