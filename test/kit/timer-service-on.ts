/**
 * The timers of a store by themselves, with a clock in the test's hand: it drives what they read and when they wake up.
 */
import { onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Appender } from '#actors/appender';
import { storeOn } from '#actors/open-store';
import { resolveOptions } from '#actors/options';
import { scheduleOrder } from '#actors/timer-options';
import { TimerService } from '#actors/timer-service';
import { type TimerStore, timerStore } from '#actors/timer-store';
import { encodeRequest } from '#kernel/log/append-request';
import type { ScheduleOrder } from '#kernel/log/timer-writes';
import type { ScheduleOptions, StoredEvent } from '#store';
import { limits } from '#store';
import { tempStore } from './temp-store.ts';

export const startMs = 1_000_000;

export interface TimersInHand {
  readonly clock: SimulatedClock;
  readonly service: TimerService;
  readonly store: TimerStore;
  readonly reported: unknown[];
  /** What the next appends of timers fail with; `undefined` lets one pass. */
  readonly appendFailures: (Error | undefined)[];
  /** Called before each append of timers. */
  readonly hooks: { beforeAppend: () => Promise<void> };
  /** What the clock has gone wrong by. */
  skewMs: number;
  /** Schedules an event of `type` on the stream `s`. */
  schedule(type: string, options: ScheduleOptions, signal?: AbortSignal): Promise<boolean>;
  cancel(key: string): Promise<boolean>;
  /** Lets time pass, the alarms going as they are due, and then everything run that waits for nothing but its turn. */
  pass(ms: number): Promise<void>;
  /** The types of all events, in the order of the log. */
  fired(): string[];
}

export async function timersInHand({ pendingMax = limits.timersMax } = {}): Promise<TimersInHand> {
  const clock = new SimulatedClock();
  const temp = tempStore();
  const engine = await temp.openEngine();
  const options = resolveOptions({ path: ':memory:', clock: () => startMs + clock.now() });
  const open = storeOn(engine, options, { onFailed: () => undefined }, undefined);
  const reported: unknown[] = [];
  const appendFailures: (Error | undefined)[] = [];
  const hooks: TimersInHand['hooks'] = { beforeAppend: async () => undefined };
  const real = timerStore(open, open.appender as Appender, options.clock, (error) => void reported.push(error));
  const store: TimerStore = {
    ...real,
    now: () => real.now() + hand.skewMs,
    append: async (request) => {
      await hooks.beforeAppend();
      const failure = appendFailures.shift();
      if (failure !== undefined) throw failure;
      await real.append(request);
    },
  };
  const service = new TimerService(store, { clock, pendingMax });
  onTestFinished(() => service.close());
  const hand: TimersInHand = {
    clock,
    service,
    store,
    reported,
    appendFailures,
    hooks,
    skewMs: 0,
    schedule: (type, given, signal) => service.order(orderOf(type, given, store.now()), signal),
    cancel: (key) => service.order({ kind: 'cancel', key }, undefined),
    pass: async (ms) => {
      await settle();
      clock.increment(ms);
      await settle();
    },
    fired: () => {
      const reader = open.reader;
      const events: StoredEvent[] = [];
      for (let position = 1; position <= open.head(); position++) events.push(reader.event(position) as StoredEvent);
      return events.map(({ type }) => type);
    },
  };
  service.start();
  return hand;
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Without schemas an order is made at once. */
function orderOf(type: string, given: ScheduleOptions, nowMs: number): ScheduleOrder {
  return scheduleOrder('s', { type }, given, nowMs, (appends, options) =>
    encodeRequest(appends, options, nowMs),
  ) as ScheduleOrder;
}
