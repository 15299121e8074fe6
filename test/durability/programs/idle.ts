/**
 * Opens a bus and leaves it open: does it keep the process alive?
 *
 * Says `open`, and `alive` half a second later, with a timer that keeps nothing alive itself.
 */
import { writeSync } from 'node:fs';
import { openBus } from '#store';

export interface IdleOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** What is left running. */
  readonly running: readonly (
    | 'subscription'
    | 'head$'
    | 'half a read'
    | 'processor'
    | 'retrying processor'
    | 'paused processor'
    | 'stopped processor'
    | 'port'
    | 'query that is over'
  )[];
}

const { path, readOnly, running } = JSON.parse(process.argv[2] as string) as IdleOptions;
const bus = await openBus({ path, readOnly });
if (!readOnly) await bus.append('idle', { type: 'appended' });
for (const what of running) await leave(what);
writeSync(1, 'open\n');
setTimeout(() => writeSync(1, 'alive\n'), 500).unref();

async function leave(what: IdleOptions['running'][number]): Promise<void> {
  if (what === 'subscription') void bus.subscribe({ after: bus.head })[Symbol.asyncIterator]().next();
  if (what === 'head$') bus.head$.subscribe();
  if (what === 'half a read') await bus.read()[Symbol.asyncIterator]().next();
  if (what.endsWith('processor')) await leaveProcessor(what);
  if (what === 'port') bus.port();
  if (what === 'query that is over') {
    await bus.query(new URL('../../actors/query-modules/ending.ts', import.meta.url), { args: 'none' });
  }
}

async function leaveProcessor(how: string): Promise<void> {
  const processor = bus.processor({
    name: how,
    handle: () => {
      if (how.startsWith('retrying')) throw new Error('planted');
    },
    retry: { minMs: 20_000, attempts: 5 },
  });
  processor.start();
  if (how.startsWith('retrying')) return processor.waitFor('retrying');
  await processor.caughtUp();
  if (how.startsWith('stopped')) await processor.stop();
  if (how.startsWith('paused')) {
    processor.pause();
    await processor.waitFor('paused');
  }
}
