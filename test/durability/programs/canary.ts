/**
 * Everything a bus does with an event, done with events that hold a canary: appends, dead letters and parked events of a handler
 * that quotes it, timers, snapshots of an aggregate, values of a projection. Then waits until its input ends.
 *
 * Nobody listens to `errors$`: what the bus has to say of failures is a process warning.
 */
import { once } from 'node:events';
import { openBus } from '#store';
import { type CanaryCase, payloadWith, toldBy } from '../../kit/canary.ts';
import { canaryAggregate, canaryKey } from '../../kit/canary-store.ts';

export interface CanaryOptions {
  readonly path: string;
  readonly canary: string;
  readonly cases: readonly CanaryCase[];
  readonly isSealed: boolean;
}

await run(JSON.parse(process.argv[2] as string) as CanaryOptions);

async function run({ path, canary, cases, isSealed }: CanaryOptions): Promise<void> {
  const bus = await openBus({ path, encryption: isSealed ? { masterKey: canaryKey } : undefined });
  const aggregate = canaryAggregate(bus);
  const projection = bus.projection<string>({
    name: 'told',
    version: 1,
    on: { said: (view, event) => view.set(String(event.position), toldBy(event)) },
  });
  const handlers = (['dead-letter', 'park-stream'] as const).map((onFailure) =>
    bus.processor({
      name: onFailure,
      retry: { attempts: 0 },
      onFailure,
      prefix: 'case-',
      handle: (event) => {
        throw Object.assign(new Error(`can't handle ${toldBy(event)}`), { code: canary, cause: new Error(canary) });
      },
    }),
  );
  for (const [index, one] of cases.entries()) {
    const payload = payloadWith(canary, one);
    // Every other one is of a person, and sealed with a key of hers.
    const event = { ...payload, ...(isSealed && index % 2 === 1 && { subject: 'ann' }) };
    await bus.append(`case-${index}`, { type: 'said', ...event }, { idempotencyKey: `call-${index}` });
    await bus.append(`case-${index}`, { type: 'said', ...event, data: 1, metadata: { canary } });
    await bus.schedule(`case-${index}`, { type: 'rang', ...event }, { delayMs: 3_600_000, key: `timer-${index}` });
    for (let times = 0; times < 3; times++) await aggregate.execute(String(index), canary);
  }
  projection.start();
  for (const handler of handlers) handler.start();
  for (const handler of [projection, ...handlers]) await handler.caughtUp();
  console.log('written');
  await once(process.stdin.resume(), 'end');
  await bus.close();
}
