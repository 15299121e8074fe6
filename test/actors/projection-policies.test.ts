/** Projections and what becomes of events they can't handle: nothing of those is in the entries, and all else is. */
import { expect, test } from 'vitest';
import type { Bus, OnFailure, Projection } from '#store';
import { collect } from '../kit/collect.ts';
import { tempBus } from '../kit/temp-store.ts';

interface Made {
  readonly bus: Bus;
  readonly projection: Projection<number>;
  /** Handles everything from now on. */
  mend(): void;
}

/** Counts events by stream; cannot do with `bad` ones until it is mended. Three streams, a bad event in one of them. */
async function projectionWith(onFailure: OnFailure): Promise<Made> {
  const bus = await tempBus();
  bus.errors$.subscribe();
  let isMended = false;
  const count = (
    view: { update(key: string, change: (count?: number) => number): void },
    { stream }: { stream: string },
  ) => view.update(stream, (before = 0) => before + 1);
  const projection = bus.projection<number>({
    name: 'counts',
    version: 1,
    on: {
      good: count,
      bad: (view, event) => {
        count(view, event);
        view.set(`bad-${event.stream}`, 1);
        if (!isMended) throw new Error('planted');
      },
    },
    retry: { attempts: 0 },
    onFailure,
  });
  for (const type of ['good', 'bad', 'good']) await bus.append('a', { type });
  await bus.append('b', [{ type: 'good' }, { type: 'good' }]);
  projection.start();
  await projection.caughtUp();
  const mend = () => {
    isMended = true;
  };
  return { bus, projection, mend };
}

const entriesOf = async (projection: Projection<number>) =>
  Object.fromEntries((await collect(projection.range())).map(({ key, value }) => [key, value]));

test.each(['skip', 'dead-letter'] as const)('with %s the neighbours of what fails go ahead', async (onFailure) => {
  const { bus, projection } = await projectionWith(onFailure);

  expect(await entriesOf(projection)).toEqual({ a: 2, b: 2 });
  expect(projection.position).toBe(bus.head);
});

test('with park-stream the stream of what fails waits, and the others go ahead', async () => {
  const { projection } = await projectionWith('park-stream');

  expect(await entriesOf(projection)).toEqual({ a: 1, b: 2 });
});

test.each(['dead-letter', 'park-stream'] as const)(
  'what is tried again after %s is recorded once',
  async (onFailure) => {
    const { bus, projection, mend } = await projectionWith(onFailure);
    mend();

    const retried = await bus.deadLetters('counts').retry('all');
    await bus.append('a', { type: 'good' });
    await projection.caughtUp();
    await projection.stop();
    projection.start();
    await projection.caughtUp();

    expect(retried).toMatchObject({ failed: 0, waiting: 0 });
    expect(await entriesOf(projection)).toEqual({ a: 4, 'bad-a': 1, b: 2 });
  },
);

test('what fails again when it is tried again leaves nothing behind', async () => {
  const { bus, projection } = await projectionWith('dead-letter');

  await bus
    .deadLetters('counts')
    .retry('all')
    .catch(() => undefined);
  await bus.append('a', { type: 'good' });
  await projection.caughtUp();

  expect(await entriesOf(projection)).toEqual({ a: 3, b: 2 });
});

test('a rebuild begins without dead letters and parked streams', async () => {
  const { bus, projection, mend } = await projectionWith('park-stream');
  mend();

  await projection.rebuild();
  await projection.caughtUp();

  expect(await entriesOf(projection)).toEqual({ a: 3, 'bad-a': 1, b: 2 });
  expect(await collect(bus.deadLetters('counts').list())).toEqual([]);
});
