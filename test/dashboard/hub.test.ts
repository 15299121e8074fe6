import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Hub } from '#kernel/dashboard/hub';
import type { TopicContent } from '#kernel/dashboard/live-topic';

/** A page's connection, which takes what is sent as long as it is told to. */
class Page extends EventEmitter {
  readonly sent: string[] = [];
  takes = true;
  isDestroyed = false;
  isEnded = false;
  /** One that has gone before tells it no more. */
  tellsClose = true;
  setHeader(): void {}
  write(text: string): boolean {
    this.sent.push(text);
    return this.takes;
  }
  destroy(): void {
    this.isDestroyed = true;
    if (this.tellsClose) this.emit('close');
  }
  end(): void {
    this.isEnded = true;
    this.emit('close');
  }
  get frames(): { set: Record<string, Record<string, unknown>> }[] {
    return this.sent.filter((text) => text.startsWith('data: ')).map((text) => JSON.parse(text.slice(6)));
  }
  get response(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

let values: Map<string, unknown>;
const contents: Readonly<Record<string, TopicContent>> = {
  good: () => values,
  slow: () => new Promise((resolve) => setTimeout(() => resolve(values), 8)),
  bad: () => Promise.reject(new Error('no')),
};
let attached: number;
let change: () => void;
let reported: unknown[];
let hub: Hub;

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  values = new Map([['a', 1]]);
  attached = 0;
  reported = [];
  hub = new Hub({
    content: (name) => contents[name],
    attach: (onChange) => {
      attached++;
      change = onChange;
      return () => void attached--;
    },
    report: (error) => reported.push(error),
  });
});

test('a page whose response is broken on its way is reported and dropped, and the others go on', async () => {
  const broken = new Page();
  const page = new Page();
  hub.follow(['good'], broken.response);
  hub.follow(['good'], page.response);
  await vi.advanceTimersByTimeAsync(60);
  broken.write = () => {
    throw new Error('no more');
  };

  values.set('a', 2);
  change();
  await vi.advanceTimersByTimeAsync(60);

  expect(reported).toEqual([new Error('no more')]);
  expect(broken.isDestroyed).toBe(true);
  expect(hub.size).toBe(1);
  expect(page.frames.at(-1)?.set).toEqual({ good: { a: 2 } });
});

test('a page gets all keys first, then what has changed and what is gone, and nothing where nothing did', async () => {
  const page = new Page();
  hub.follow(['good'], page.response);
  await vi.advanceTimersByTimeAsync(60);
  values.set('b', { deep: [1] });
  change();
  await vi.advanceTimersByTimeAsync(60);
  values.set('b', { deep: [1] });
  change();
  await vi.advanceTimersByTimeAsync(60);
  values.delete('a');
  change();
  await vi.advanceTimersByTimeAsync(60);
  expect(page.frames.map(({ set }) => set)).toEqual([
    { good: { a: 1 } },
    { good: { b: { deep: [1] } } },
    { good: { a: null } },
  ]);
});

test('the first frame of a topic without keys says so', async () => {
  values.clear();
  const page = new Page();
  hub.follow(['good'], page.response);
  await vi.advanceTimersByTimeAsync(60);
  expect(page.frames.map(({ set }) => set)).toEqual([{ good: {} }]);
});

/** How many frames it gets in a second in which something changes every millisecond. */
async function framesOfASecond(page: Page): Promise<number> {
  const before = page.frames.length;
  for (let ms = 0; ms < 1000; ms++) {
    values.set('a', ms + 10);
    change();
    await vi.advanceTimersByTimeAsync(1);
  }
  return page.frames.length - before;
}

test('a thousand changes a second become twenty frames', async () => {
  const page = new Page();
  hub.follow(['good'], page.response);
  await vi.advanceTimersByTimeAsync(60);
  const frames = await framesOfASecond(page);
  expect(frames).toBeLessThanOrEqual(21);
  expect(frames).toBeGreaterThan(15);
});

test('what takes long to look at is looked at less often, but five times a second at least', async () => {
  const page = new Page();
  hub.follow(['slow'], page.response);
  await vi.advanceTimersByTimeAsync(1000);
  const frames = await framesOfASecond(page);
  expect(frames).toBeLessThanOrEqual(7);
  expect(frames).toBeGreaterThanOrEqual(4);
});

test('a page that takes nothing is cut off when the dashboard closes, others are told the end', () => {
  const [slow, quick] = [new Page(), new Page()];
  slow.takes = false;
  hub.follow(['good'], slow.response);
  hub.follow(['good'], quick.response);
  hub.close();
  expect([slow.isEnded, slow.isDestroyed, quick.isEnded]).toEqual([false, true, true]);
  expect([hub.size, attached, vi.getTimerCount()]).toEqual([0, 0, 0]);
});

test('a page that takes nothing is sent nothing more, gets the newest when it does, and is dropped after ten seconds', async () => {
  const page = new Page();
  hub.follow(['good'], page.response);
  await vi.advanceTimersByTimeAsync(60);
  page.takes = false;
  const sentBefore = page.sent.length;
  for (let round = 0; round < 100; round++) {
    values.set('a', round + 10);
    change();
    await vi.advanceTimersByTimeAsync(60);
  }
  expect(page.sent.length).toBe(sentBefore + 1);
  page.takes = true;
  page.emit('drain');
  expect(page.sent.length).toBe(sentBefore + 2);
  expect(page.frames.at(-1)?.set).toEqual({ good: { a: 109 } });
  page.takes = false;
  values.set('a', 'last');
  change();
  await vi.advanceTimersByTimeAsync(9000);
  expect(page.isDestroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(3000);
  expect(page.isDestroyed).toBe(true);
  expect([hub.size, attached, vi.getTimerCount()]).toEqual([0, 0, 0]);
});

test('a page whose connection is gone already is not waited for without end', async () => {
  const page = new Page();
  page.tellsClose = false;
  page.takes = false;
  hub.follow(['good'], page.response);
  await vi.advanceTimersByTimeAsync(12_000);
  expect([hub.size, attached, vi.getTimerCount()]).toEqual([0, 0, 0]);
});

test('a topic that fails is reported once, and the others go on', async () => {
  const page = new Page();
  hub.follow(['bad', 'good'], page.response);
  await vi.advanceTimersByTimeAsync(5000);
  expect(page.frames[0]?.set).toEqual({ good: { a: 1 } });
  expect(reported).toMatchObject([{ message: 'no' }]);
});

test('a page that is told nothing for long hears that it is still connected', async () => {
  const page = new Page();
  hub.follow(['good'], page.response);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(page.sent.at(-1)).toBe(':\n\n');
});

test('it attaches with the first page, and leaves nothing behind with the last', async () => {
  const [first, second] = [new Page(), new Page()];
  hub.follow(['good'], first.response);
  hub.follow(['good'], second.response);
  expect([hub.size, attached]).toEqual([2, 1]);
  first.destroy();
  expect([hub.size, attached]).toEqual([1, 1]);
  second.destroy();
  expect([hub.size, attached, vi.getTimerCount()]).toEqual([0, 0, 0]);
  hub.follow(['good'], new Page().response);
  hub.close();
  expect([hub.size, attached, vi.getTimerCount()]).toEqual([0, 0, 0]);
  expect(() => hub.follow(['good'], new Page().response)).toThrow('closed');
});
