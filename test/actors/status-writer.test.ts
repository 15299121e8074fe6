/** When a status is written: with a clock and a file in the test's hand. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { BusStatus } from '#actors/bus-status';
import { StatusWriter } from '#actors/status-writer';

const empty: BusStatus = {
  atMs: 0,
  pid: 1,
  startedMs: 0,
  state: 'open',
  head: 0,
  commits: { count: 0, byMicros: [] },
  eventsRead: 0,
  processors: [],
  actors: [],
};

class World {
  readonly clock = new SimulatedClock();
  readonly written: [atMs: number, text: string][] = [];
  readonly reported: unknown[] = [];
  readonly calls = { status: 0, text: 0, close: 0 };
  /** Set, it is asked before each write. */
  onWrite: () => unknown = () => undefined;
  /** Milliseconds that a look at everything takes with its text, and one at news. */
  tookMs = 0;
  newsTookMs = 0;
  /** What the last look was at; `undefined`: everything. */
  only: readonly string[] | undefined;
  /** Tells of news. */
  tell: (processor?: string) => void = () => undefined;
  status: BusStatus = empty;
  /** What wakes it, while it listens. */
  wake: (() => void) | undefined;
  onListen: () => void = () => undefined;
  #workedMs = 0;
  readonly writer = new StatusWriter({
    file: {
      path: 'there/status',
      write: async (text) => {
        await this.onWrite();
        this.written.push([this.clock.now(), text]);
      },
      close: () => {
        this.calls.close++;
      },
    },
    text: ({ head }) => {
      this.calls.text++;
      this.#workedMs += this.only === undefined ? this.tookMs : this.newsTookMs;
      return `${head}${this.only === undefined ? '' : ` ${this.only}`}`;
    },
    status: (only) => {
      this.calls.status++;
      this.only = only && [...only];
      return { ...this.status, atMs: this.clock.now() };
    },
    listen: (wake) => {
      this.wake = wake;
      this.onListen();
      return () => {
        this.wake = undefined;
      };
    },
    listenToNews: (onNews) => {
      this.tell = onNews;
      return () => {
        this.tell = () => undefined;
      };
    },
    report: (error) => this.reported.push(error),
    clock: {
      // In whole milliseconds, as those of Node.
      setTimeout: (run, ms) => this.clock.setTimeout(run, Math.trunc(ms)),
      clearTimeout: (timer) => this.clock.clearTimeout(timer as number),
    },
    now: () => this.clock.now(),
    worked: () => this.#workedMs,
  });

  head(head: number): void {
    this.status = { ...this.status, head };
    this.wake?.();
  }

  /** A write that begins from now on ends only when what is returned is called. */
  holdWrites(): () => void {
    let finish = () => {};
    this.onWrite = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    return () => finish();
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      this.clock.increment(5);
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  }
}

test('the first status is written after 100 ms, and a bus that closes before has no file', async () => {
  const world = new World();
  await world.pass(90);
  const early = world.written.length;
  await world.pass(10);

  expect([early, world.written]).toEqual([0, [[100, '0']]]);
});

test('a status that changes all the time is written ten times a second', async () => {
  const world = new World();

  for (let at = 0; at < 2000; at += 10) {
    world.head(at);
    await world.pass(10);
  }

  expect(world.written.length).toBeGreaterThanOrEqual(19);
  const gaps = world.written.slice(1).map(([at], index) => at - (world.written[index]?.[0] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
});

test('a timer that ends a part of a millisecond too soon has everything looked at', async () => {
  const world = new World();
  world.tookMs = 1.005;
  await busily(world, 2000);

  expect(world.written.length).toBeGreaterThanOrEqual(18);
  expect(world.written.filter(tellsNews)).toEqual([]);
});

test('at rest nothing is done, and the next change is written at once', async () => {
  const world = new World();
  await world.pass(300);
  const atRest = { ...world.calls };
  await world.pass(60_000);
  const still = { ...world.calls };
  world.head(7);
  await world.pass(5);

  expect(still).toEqual(atRest);
  expect(world.written).toEqual([
    [100, '0'],
    [60_305, '7'],
  ]);
});

test('what changes just when it goes to rest is not missed', async () => {
  const world = new World();
  world.onListen = () => {
    world.onListen = () => undefined;
    // Before anybody listens: it wakes nobody.
    world.status = { ...world.status, head: 9 };
  };

  await world.pass(400);

  expect(world.written.map(([, text]) => text)).toEqual(['0', '9']);
});

test('what has not changed is not written again, whatever wakes it', async () => {
  const world = new World();
  for (let times = 0; times < 20; times++) {
    await world.pass(200);
    world.wake?.();
  }

  expect(world.written).toHaveLength(1);
});

test('what wakes it all the time without a change has it look ten times a second', async () => {
  const world = new World();
  await world.pass(300);
  const before = world.calls.status;

  for (let at = 0; at < 2000; at += 5) {
    world.wake?.();
    await world.pass(5);
  }

  // Each look has another one when it listens.
  expect(world.calls.status - before).toBeGreaterThanOrEqual(38);
  expect(world.calls.status - before).toBeLessThanOrEqual(42);
});

test("a status that can't be made just when it goes to rest leaves one try at a time", async () => {
  const world = new World();
  await world.pass(150);
  world.onListen = () => {
    Object.defineProperty(world, 'status', {
      get: () => {
        throw new TypeError('broken');
      },
    });
  };
  await world.pass(1000);
  const before = world.calls.status;
  for (let at = 0; at < 20_000; at += 100) {
    world.wake?.();
    await world.pass(100);
  }

  expect(world.calls.status - before).toBe(4);
  expect(world.reported).toHaveLength(1);
});

test.each<Partial<BusStatus>>([
  { state: 'failed' },
  { head: 1 },
  { commits: { count: 1, byMicros: [1] } },
  { eventsRead: 1 },
  { processors: [] },
  { actors: [] },
])('a change is one of %o', async (change) => {
  const world = new World();
  await world.pass(300);
  world.status = { ...world.status, ...change };
  world.wake?.();
  await world.pass(100);

  expect(world.written).toHaveLength(2);
});

test('where it takes long it is done less often: never more than a hundredth of the time', async () => {
  const world = new World();
  world.tookMs = 4;

  for (let at = 0; at < 4000; at += 10) {
    world.head(at);
    await world.pass(10);
  }

  expect(world.written.length).toBeGreaterThanOrEqual(8);
  expect(world.written.length).toBeLessThanOrEqual(11);
});

test('one write at a time: the next begins when the one before is done', async () => {
  const world = new World();
  const finish = world.holdWrites();
  await world.pass(100);
  world.head(1);
  await world.pass(1000);
  const meanwhile = world.calls.text;
  finish();
  await world.pass(10);

  expect([meanwhile, world.calls.text]).toEqual([1, 2]);
});

test("what can't be written is reported once, tried again, and reported again when it fails anew", async () => {
  const world = new World();
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
  let isFull = true;
  world.onWrite = () => {
    if (isFull) throw full;
  };
  await world.pass(16_000);
  const first = world.reported.length;
  isFull = false;
  await world.pass(5000);
  isFull = true;
  world.head(1);
  await world.pass(11_000);

  expect(first).toBe(1);
  expect(world.reported).toHaveLength(2);
  expect(world.reported[0]).toMatchObject({ code: 'STATUS_UNWRITTEN', detail: { path: 'there/status' }, cause: full });
  expect(world.written).toHaveLength(1);
});

test("a status that can't be made is reported in the same way, and disturbs nobody", async () => {
  const world = new World();
  Object.defineProperty(world, 'status', {
    get: () => {
      throw new TypeError('broken');
    },
  });
  await world.pass(6000);

  expect(world.reported).toMatchObject([{ code: 'STATUS_UNWRITTEN', cause: { message: 'broken' } }]);
});

test('where the whole directory is gone nobody is told, and nothing is tried again', async () => {
  const world = new World();
  world.onWrite = () => {
    throw Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' });
  };
  await world.pass(20_000);

  expect([world.reported, world.calls.text]).toEqual([[], 1]);
});

test('closing waits for the write under way, tells that there is nothing any more, and ends all', async () => {
  const world = new World();
  const finish = world.holdWrites();
  await world.pass(100);
  const closing = world.writer.close();
  await world.pass(100);
  const meanwhile = world.calls.close;
  finish();
  await closing;
  world.head(5);
  await world.pass(10_000);

  expect([meanwhile, world.calls]).toEqual([0, { status: 1, text: 1, close: 1 }]);
});

test('it works in the context in which the bus was opened, whoever wakes it', async () => {
  const context = new AsyncLocalStorage<string>();
  const world = context.run('opening', () => new World());
  const contexts: unknown[] = [];
  world.onWrite = () => contexts.push(context.getStore());
  await world.pass(300);
  context.run('waking', () => world.head(3));
  await world.pass(100);

  expect(contexts).toEqual(['opening', 'opening']);
});

/** Where everything takes 10 ms, and changes all the time: it is looked at once a second. */
async function busyWorld(): Promise<World> {
  const world = new World();
  world.tookMs = 10;
  world.newsTookMs = 0.2;
  await busily(world, 2200);
  return world;
}

/** Passes `ms`, in which quantities change every 5 ms. */
async function busily(world: World, ms: number, each: () => void = () => undefined): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5) {
    world.head(world.clock.now());
    each();
    await world.pass(5);
  }
}

function tellsNews([, text]: World['written'][number]): boolean {
  return text.includes(' ');
}

test('news of a processor are written within 100 ms, and only it is looked at, where everything is looked at once a second', async () => {
  const world = await busyWorld();
  const quietly = world.written.filter(tellsNews).length;
  const late: number[] = [];
  for (let times = 0; times < 20; times++) {
    const [before, toldAt] = [world.written.length, world.clock.now()];
    world.tell('p');
    world.tell('q');
    world.tell('p');
    await busily(world, 235);
    const [first] = world.written.slice(before);
    late.push((first?.[0] ?? Number.POSITIVE_INFINITY) - toldAt);
  }

  expect(quietly).toBe(0);
  expect(Math.max(...late)).toBeLessThanOrEqual(100);
  expect(new Set(world.written.filter(tellsNews).map(([, text]) => text.split(' ')[1]))).toEqual(new Set(['p,q']));
  // They have not put off the look at everything.
  const ofAll = world.written.filter((one) => !tellsNews(one)).length;
  expect(ofAll).toBeGreaterThanOrEqual(5);
  expect(ofAll).toBeLessThanOrEqual(8);
});

test('with news all the time there are ten writes a second', async () => {
  const world = await busyWorld();
  const before = world.written.length;
  await busily(world, 4000, () => world.tell('p'));

  const times = world.written.slice(before).map(([at]) => at);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
  expect(times.length).toBeGreaterThanOrEqual(36);
});

test('news all the time that are much work take a fiftieth of the time at most, but the first ones come at once', async () => {
  const world = await busyWorld();
  world.newsTookMs = 10;
  const from = world.clock.now();
  await busily(world, 20_000, () => world.tell('p'));

  const news = world.written.filter(tellsNews).map(([at]) => at - from);
  expect(news.filter((at) => at <= 500).length).toBeGreaterThanOrEqual(4);
  // 20 s and the 2 s that were saved up, at 500 ms each.
  expect(news.length).toBeLessThanOrEqual(45);
  expect(news.length).toBeGreaterThanOrEqual(38);
});

test('news at rest, and such of the bus itself, are written at once', async () => {
  const world = new World();
  await world.pass(5000);
  world.status = { ...world.status, state: 'failed' };
  world.tell();
  await world.pass(5);

  expect(world.written.map(([at]) => at)).toEqual([100, 5005]);
});

test('news that come while a status is being written are looked at after it', async () => {
  const world = await busyWorld();
  const finish = world.holdWrites();
  world.tell('p');
  await busily(world, 100);
  const before = world.calls.text;
  world.tell('q');
  await busily(world, 200);
  const meanwhile = world.calls.text;
  finish();
  await busily(world, 10);

  expect([meanwhile - before, world.calls.text - before, world.only]).toEqual([0, 1, ['q']]);
});

test('where nothing can be written news do not make it be tried more often, and after the end nobody listens to them', async () => {
  const world = await busyWorld();
  world.onWrite = () => {
    throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
  };
  const before = world.calls.text;
  await busily(world, 10_500, () => world.tell('p'));
  const tries = world.calls.text - before;
  await world.writer.close();
  const after = { ...world.calls };
  await busily(world, 1000, () => world.tell('p'));

  expect(tries).toBeLessThanOrEqual(3);
  expect(world.calls).toEqual(after);
});
