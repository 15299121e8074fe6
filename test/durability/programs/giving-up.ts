/**
 * A processor whose handler never takes some events, and takes others only in the second try, under one failure policy,
 * while a user tries its dead letters again. Goes on until it is killed, or, with `isMended`, until everything is handled.
 *
 * Every event handled is a line of the witness file, written at once: stream and version.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type OnFailure, openBus } from '#store';
import { Random } from '../../kit/crash-workload.ts';

export interface GivingUpOptions {
  readonly path: string;
  readonly witness: string;
  readonly seed: number;
  readonly onFailure: OnFailure;
  readonly kind: 'each' | 'batch';
  /** Handles everything there is, what was given up included, and ends. */
  readonly isMended: boolean;
}

export type GivingUpLine = readonly [stream: string, version: number];

/** Whether the handler never takes the event. */
export function isPoison(position: number): boolean {
  return position % 23 === 7;
}

const streamCount = 10;

if (process.argv[1] === import.meta.filename) await run(JSON.parse(process.argv[2] as string) as GivingUpOptions);

async function run({ path, witness, seed, onFailure, kind, isMended }: GivingUpOptions): Promise<void> {
  const random = new Random(seed);
  const file = openSync(witness, 'a');
  const bus = await openBus({ path });
  bus.errors$.subscribe(() => undefined);
  /** Failed by chance, which an event does once only: so none but the poison is ever given up. */
  const failed = new Set<number>();
  const take = (position: number, stream: string, version: number) => {
    const isUnlucky = random.next() < 0.02 && !failed.has(position);
    if (isUnlucky) failed.add(position);
    if (!isMended && (isPoison(position) || isUnlucky)) throw new Error('planted');
    writeSync(file, `${JSON.stringify([stream, version] satisfies GivingUpLine)}\n`);
  };
  const handler =
    kind === 'each'
      ? {
          handle: async ({ position, stream, version }: { position: number; stream: string; version: number }) => {
            if (random.next() < 0.05) await delay(1);
            take(position, stream, version);
          },
        }
      : {
          handleBatch: async (events: readonly { position: number; stream: string; version: number }[]) => {
            if (!isMended && events.some(({ position }) => isPoison(position))) throw new Error('planted');
            for (const { position, stream, version } of events) take(position, stream, version);
          },
        };
  const processor = bus.processor({
    name: 'p',
    ...handler,
    onFailure,
    batch: 16,
    checkpoint: { events: 40, ms: 10 },
    retry: { minMs: 0, maxMs: 1, attempts: 2 },
  });
  processor.start();
  if (isMended) {
    await processor.caughtUp();
    await bus.deadLetters('p').retry('all');
    await bus.close();
    writeSync(1, 'done\n');
    return;
  }
  void append();
  writeSync(1, 'running\n');
  for (;;) {
    await delay(random.integer(5, 60));
    await bus.deadLetters('p').retry('all');
  }

  async function append(): Promise<never> {
    for (;;) {
      const events = Array.from({ length: random.integer(1, 9) }, () => ({ type: 'made' }));
      await bus.append(`s${random.integer(0, streamCount)}`, events);
      await delay(1);
    }
  }
}
