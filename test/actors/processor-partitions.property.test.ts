/** A partitioned processor on the real log: whatever happens, nothing is lost, and each stream stays in order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OwnedProcessor } from '#actors/processor';
import { Processors } from '#actors/processors';
import { partitionCursorName, partitionOf } from '#kernel/log/partitions';
import type { StoredEvent } from '#store';
import { LogProcessorStore } from '../kit/processor-store-log.ts';
import { TempStore } from '../kit/temp-store.ts';

const streams = Array.from({ length: 9 }, (_, index) => `stream-${index}`);

/** Sees what the handlers of one processor get, and knows nothing else of it. */
class Onlooker {
  readonly #log: LogProcessorStore;
  readonly #next = new Map<string, number>();
  readonly #running = new Set<string>();
  /** So many partitions there are now. */
  partitions = 1;
  isBroken = false;
  /** Raised by each crash: what an earlier run still does is not looked at. */
  run = 0;

  constructor(log: LogProcessorStore) {
    this.#log = log;
  }

  handle = async ({ stream, version, position }: StoredEvent): Promise<void> => {
    const { run } = this;
    expect(this.#running.has(stream)).toBe(false);
    this.#running.add(stream);
    for (let turns = position % 4; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    if (run !== this.run) return;
    this.#running.delete(stream);
    if (this.isBroken && position % 3 === 0) throw new Error('broken');
    expect(position).toBeGreaterThan(this.#cursorOf(stream));
    expect(version).toBeLessThanOrEqual(this.#next.get(stream) ?? 1);
    this.#next.set(stream, version + 1);
  };

  crash(): void {
    this.run++;
    this.#running.clear();
  }

  handledTo(stream: string): number {
    return (this.#next.get(stream) ?? 1) - 1;
  }

  #cursorOf(stream: string): number {
    const { partitions: of } = this;
    const name = of === 1 ? 'p' : partitionCursorName('p', { index: partitionOf(stream, of), of });
    return this.#log.cursor(name)?.position ?? 0;
  }
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('partitions' as const, 'crash' as const),
      count: fc.constantFrom(1, 2, 4),
    }),
  },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(
        ...(['start', 'start', 'stop', 'pause', 'resume', 'retry', 'turn', 'turn', 'break', 'mend', 'back'] as const),
      )
      .map((name) => ({ do: name, count: 0 })),
  },
);

test('nothing is lost, streams stay in order, and only what was not saved comes again, whatever number of partitions', async () => {
  const run = async (steps: readonly { readonly do: string; readonly count: number }[]) => {
    await using store = new TempStore('memory');
    const log = new LogProcessorStore(await store.openEngine());
    const onlooker = new Onlooker(log);
    const countOf = new Map<string, number>();
    let appended = 0;
    let processors = new Processors(log);
    const create = (partitions: number): OwnedProcessor => {
      onlooker.partitions = partitions;
      return processors.create({
        name: 'p',
        partitions,
        batch: 7,
        checkpoint: { events: 11 },
        retry: { attempts: 2, minMs: 0 },
        handle: onlooker.handle,
      });
    };
    let processor = create(4);
    for (const { do: what, count } of steps) {
      if (what === 'append') {
        for (let left = count; left > 0; left--) {
          const stream = streams[appended++ % streams.length] as string;
          log.append(stream, [{ type: 'x' }]);
          countOf.set(stream, (countOf.get(stream) ?? 0) + 1);
        }
      }
      if (what === 'start') processor.start();
      if (what === 'stop') await processor.stop();
      if (what === 'pause') processor.pause();
      if (what === 'resume') processor.resume();
      if (what === 'retry') processor.retryNow();
      if (what === 'turn')
        for (let turns = 5; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      if (what === 'break') onlooker.isBroken = true;
      if (what === 'mend') onlooker.isBroken = false;
      if (what === 'back') await processor.reset({ to: Math.floor(processor.status.context.cursor / 2) });
      if (what === 'partitions') {
        await processor.close();
        processor = create(count);
      }
      if (what === 'crash') {
        onlooker.crash();
        processor.abandon();
        processors = new Processors(log);
        processor = create(count);
      }
    }
    onlooker.isBroken = false;
    await processor.stop();
    processor.start();
    await processor.caughtUp();
    await processors.close(1000);
    for (const [stream, count] of countOf) expect(onlooker.handledTo(stream)).toBe(count);
    expect(log.head$.observed).toBe(false);
  };

  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), run));
});
