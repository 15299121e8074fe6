import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Watchdog } from '#actors/watchdog';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watched() {
  const state = { progress: 0, silences: 0 };
  const watchdog = new Watchdog({
    progress: () => state.progress,
    silenceMaxMs: 1000,
    onSilence: () => {
      state.silences++;
    },
  });
  return { state, watchdog };
}

test('a counter that stands still while work is under way is told once', () => {
  const { state, watchdog } = watched();

  watchdog.watch();
  vi.advanceTimersByTime(1000);
  expect(state.silences).toBe(0);
  vi.advanceTimersByTime(5000);

  expect(state.silences).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a counter that moves now and then is not told', () => {
  const { state, watchdog } = watched();

  watchdog.watch();
  for (let step = 0; step < 20; step++) {
    vi.advanceTimersByTime(700);
    state.progress++;
  }

  expect(state.silences).toBe(0);
});

test('without work nothing is told, and no timer is left', () => {
  const { state, watchdog } = watched();

  watchdog.watch();
  watchdog.rest();
  vi.advanceTimersByTime(10_000);

  expect(state.silences).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('work that begins anew has its time from then on', () => {
  const { state, watchdog } = watched();

  watchdog.watch();
  vi.advanceTimersByTime(900);
  watchdog.rest();
  watchdog.watch();
  vi.advanceTimersByTime(900);

  expect(state.silences).toBe(0);
});
