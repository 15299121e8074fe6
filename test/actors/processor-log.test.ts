/** A processor on the real log: whatever happens to it, every event is handled, in order, at least once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Processors } from '#actors/processors';
import { LogProcessorStore } from '../kit/processor-store-log.ts';
import { engineKinds, TempStore, tempStore } from '../kit/temp-store.ts';

test.each(engineKinds)('a processor finds its cursor again in a store that was closed (%s)', async (kind) => {
  const store = tempStore(kind);
  const engine = await store.openEngine();
  const log = new LogProcessorStore(engine);
  const processors = new Processors(log);
  const seen: number[] = [];
  const options = { name: 'p', handle: ({ position }: { position: number }) => seen.push(position) };
  log.append('a', [{ type: 'x' }, { type: 'y' }]);
  processors.create(options).start();
  await processors.get('p')?.caughtUp();
  await processors.close(1000);
  engine.close();

  const reopened = new LogProcessorStore(await store.openEngine());
  reopened.append('a', [{ type: 'z' }]);
  const again = new Processors(reopened);
  again.create(options).start();
  await again.get('p')?.caughtUp();
  await again.close(1000);

  expect(seen).toEqual([1, 2, 3]);
  expect(reopened.cursor('p')).toEqual({ position: 3, generation: 1 });
});

const step = fc.oneof(
  fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 40 }) }),
  fc
    .constantFrom(
      ...(['start', 'stop', 'pause', 'resume', 'retry', 'turn', 'turn', 'crash', 'break', 'mend', 'back'] as const),
    )
    .map((name) => ({ do: name, count: 0 })),
);

test('events are handled in order, none is passed over, and only what was not saved comes again', async () => {
  const run = async (steps: readonly { readonly do: string; readonly count: number }[], isBatch: boolean) => {
    await using store = new TempStore('memory');
    const log = new LogProcessorStore(await store.openEngine());
    let isBroken = false;
    /** What an onlooker knows: the position expected next, if nothing comes again. */
    let next = 1;
    const handle = ({ position }: { readonly position: number }) => {
      if (isBroken && position % 3 === 0) throw new Error('broken');
      const saved = log.cursor('p')?.position ?? 0;
      expect(position).toBeLessThanOrEqual(next);
      expect(position).toBeGreaterThan(saved);
      next = position + 1;
    };
    const handleBatch = (events: readonly { readonly position: number }[]) => events.forEach(handle);
    const options = {
      name: 'p',
      batch: 7,
      checkpoint: { events: 11 },
      retry: { attempts: 2, minMs: 0 },
      ...(isBatch ? { handleBatch } : { handle }),
    };
    let processors = new Processors(log);
    let processor = processors.create(options);
    for (const { do: what, count } of steps) {
      if (what === 'append')
        log.append(
          'a',
          Array.from({ length: count }, () => ({ type: 'x' })),
        );
      if (what === 'start') processor.start();
      if (what === 'stop') await processor.stop();
      if (what === 'pause') processor.pause();
      if (what === 'resume') processor.resume();
      if (what === 'retry') processor.retryNow();
      if (what === 'turn') await new Promise((resolve) => setImmediate(resolve));
      if (what === 'break') isBroken = true;
      if (what === 'mend') isBroken = false;
      if (what === 'back') await processor.reset({ to: Math.floor((log.cursor('p')?.position ?? 0) / 2) });
      if (what !== 'crash') continue;
      processor.abandon();
      processors = new Processors(log);
      processor = processors.create(options);
    }
    isBroken = false;
    await processor.stop();
    processor.start();
    await processor.caughtUp();
    await processors.close(1000);
    expect(next).toBe(log.head() + 1);
    expect(log.cursor('p')?.position ?? 0).toBe(log.head());
    expect(log.head$.observed).toBe(false);
  };

  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), run));
});
