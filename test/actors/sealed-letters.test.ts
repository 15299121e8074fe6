/** Dead letters of sealed events: what they tell goes with the event's key, what keeps the books stays. */
import { expect, test } from 'vitest';
import { decodeLetterRow, encodeLetterHead } from '#kernel/codec/letter-row';
import { encodePayload } from '#kernel/codec/payload';
import { type Bus, type DeadLetter, openBus } from '#store';
import { collect } from '../kit/collect.ts';
import { sealedBus } from '../kit/sealed-bus.ts';
import { forged, swapped } from '../kit/swapped-rows.ts';
import { tempDirectory } from '../kit/temp-store.ts';

const canary = 'K4n4r13nv0g3l';

/** A bus whose processor gives up every event of the type `bad`, with what it holds in its error. */
async function scene(onFailure: 'dead-letter' | 'park-stream' = 'dead-letter', mode?: Parameters<typeof sealedBus>[1]) {
  const sealed = await sealedBus({}, mode);
  const { bus } = sealed;
  const handled: number[] = [];
  const state = { isBroken: true };
  const processor = bus.processor({
    name: 'p',
    retry: { attempts: 0 },
    onFailure,
    handle: ({ type, data, position }) => {
      if (type === 'bad' && state.isBroken)
        throw Object.assign(new RangeError(`no ${data.secret}`), { code: data.secret });
      handled.push(position);
    },
  });
  processor.start();
  const caughtUp = async () => {
    await processor.caughtUp();
    await processor.stop();
    processor.start();
    await processor.waitFor('live');
  };
  return { ...sealed, processor, handled, state, caughtUp };
}

async function letter(bus: Bus, position = 1): Promise<DeadLetter> {
  return (await bus.deadLetters('p').get(position)) as DeadLetter;
}

const bad = { type: 'bad', data: { secret: canary } };

test('what a letter tells of its event is not to be found in what is stored, and reads as it was', async () => {
  const { bus, caughtUp, isStored } = await scene();
  await bus.append('a', bad);
  await caughtUp();

  const { error, ...rest } = await letter(bus);

  expect(error).toMatchObject({ name: 'RangeError', message: `no ${canary}`, code: canary });
  expect(rest).toMatchObject({ stream: 'a', version: 1, type: 'bad', state: 'dead', attempts: 1 });
  expect('keyId' in rest).toBe(false);
  expect(isStored(canary)).toBe(false);
  expect((await bus.verify()).problems).toEqual([]);
});

test.each([
  ['stream', { stream: 'a' }],
  ['subject', { subject: 'ada' }],
] as const)('an erased letter says so, and its books are as they were (%s)', async (_kind, what) => {
  const { bus, caughtUp } = await scene();
  await bus.append('a', { ...bad, subject: 'ada' });
  await bus.append('a', { ...bad, subject: 'bob' });
  await caughtUp();
  const before = await letter(bus);

  await bus.erase(what);
  const [after, other] = (await collect(bus.deadLetters('p').list())) as [DeadLetter, DeadLetter];

  expect(after.error).toEqual({ name: 'Erased', message: '' });
  expect(after.event).toMatchObject({ erased: true, data: undefined });
  const { error: _, event: __, ...books } = before;
  expect(after).toMatchObject(books);
  expect(other.error.name).toBe('stream' in what ? 'Erased' : 'RangeError');
  expect((await bus.verify()).problems).toEqual([]);
});

test('the reason of a discard is sealed with the error, and gone with it', async () => {
  const { bus, caughtUp, isStored } = await scene();
  await bus.append('a', bad);
  await caughtUp();

  await bus.deadLetters('p').discard(1, { reason: `because of ${canary}` });

  expect(isStored(canary)).toBe(false);
  expect(await letter(bus)).toMatchObject({ state: 'discarded', reason: `because of ${canary}` });
  await bus.erase({ stream: 'a' });
  const erased = await letter(bus);
  expect(erased).toMatchObject({ state: 'discarded', error: { name: 'Erased' } });
  expect('reason' in erased).toBe(false);
});

test('an erased letter can still be discarded and purged', async () => {
  const { bus, caughtUp } = await scene();
  await bus.append('a', bad);
  await caughtUp();
  await bus.erase({ stream: 'a' });

  const discarded = await bus.deadLetters('p').discard('all', { reason: 'erased' });

  expect(discarded).toBe(1);
  expect(await letter(bus)).toMatchObject({ state: 'discarded', error: { name: 'Erased' } });
  expect(await bus.deadLetters('p').purge()).toBe(1);
});

test('a letter that fails again, after its first error was kept, is sealed with the key of its event', async () => {
  const { bus, caughtUp, isStored } = await scene();
  await bus.append('a', { ...bad, subject: 'ada' });
  await caughtUp();

  const outcome = await bus.deadLetters('p').retry('all');

  expect(outcome).toEqual({ handled: 0, failed: 1, waiting: 0 });
  expect(await letter(bus)).toMatchObject({ attempts: 2, error: { message: `no ${canary}` } });
  expect(isStored(canary)).toBe(false);
  await bus.erase({ subject: 'ada' });
  expect((await letter(bus)).error).toEqual({ name: 'Erased', message: '' });
});

test('trying an erased letter again does not call the handler, and opens the stream behind it', async () => {
  const { bus, caughtUp, handled, processor } = await scene('park-stream');
  await bus.append('a', { ...bad, subject: 'ada' });
  await bus.append('a', { type: 'good', data: {} });
  await bus.append('a', { type: 'good', data: {}, subject: 'ada' });
  await caughtUp();
  await bus.erase({ subject: 'ada' });

  const outcome = await bus.deadLetters('p').retry('all');

  expect(outcome).toEqual({ handled: 1, failed: 0, waiting: 0 });
  await expect.poll(() => processor.status.context.replayed).toBe(3);
  expect(handled.filter((position) => position <= 3)).toEqual([2]);
  expect(await collect(bus.deadLetters('p').list())).toEqual([]);
});

test('where the stream of an event is not sealed, its letters are as in a store without encryption', async () => {
  const { bus, caughtUp, isStored } = await scene('dead-letter', { prefixes: ['s-'] });
  await bus.append('open', bad);
  await bus.append('s-1', { type: 'bad', data: { secret: 'another secret' } });
  await bus.append('open', { type: 'bad', data: { secret: 'of a person' }, subject: 'ada' });
  await caughtUp();

  const letters = (await collect(bus.deadLetters('p').list())).map(({ error }) => error.message);

  expect(letters).toEqual([`no ${canary}`, 'no another secret', 'no of a person']);
  expect([canary, 'another secret', 'of a person'].map(isStored)).toEqual([true, false, false]);
});

test('a letter of a row that was moved to another position does not open, and verify says so', async () => {
  const { bus, caughtUp, store } = await scene();
  await bus.append('a', [bad, bad]);
  await caughtUp();

  swapped(store.storage.rows.dead_letters);

  await expect(bus.deadLetters('p').get(1)).rejects.toMatchObject({
    code: 'DECRYPTION_FAILED',
    detail: { table: 'dead_letters', position: undefined },
  });
  expect((await bus.verify()).problems.map(({ table }) => table)).toEqual(['dead_letters', 'dead_letters']);
});

test('a letter that is plain where everything is sealed is refused, in either form of its row', async () => {
  const { bus, caughtUp, store } = await scene();
  await bus.append('a', bad);
  await caughtUp();
  const row = store.storage.rows.dead_letters[0] as { key: Uint8Array; value: Uint8Array };
  const { head } = decodeLetterRow(row.key, row.value);
  const invented = { error: { name: 'Error', message: 'invented' } };
  const { encoding, bytes } = encodePayload(invented, 0, 'data');
  const whole = encodePayload({ ...head, ...invented }, 0, 'data');

  for (const payload of [
    Buffer.concat([encodeLetterHead(head), Buffer.of(encoding), bytes]),
    Buffer.concat([Buffer.of(whole.encoding), whole.bytes]),
  ]) {
    forged(row, payload);

    await expect(bus.deadLetters('p').get(1)).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
    expect((await bus.verify()).problems.map(({ table }) => table)).toEqual(['dead_letters']);
  }
});

test('what a handler in a thread gave up is sealed with the key of its event, too', async () => {
  const encryption = { masterKey: Buffer.alloc(32, 7), mode: 'all' } as const;
  const quiet = () => undefined;
  const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const bus = await openBus({ path: tempDirectory(), encryption, logger });
  try {
    bus.errors$.subscribe(quiet);
    for (const subject of ['ada', 'bob']) await bus.append('a', { type: 'T', data: { act: 'throw' }, subject });
    const processor = bus.processor({
      name: 'p',
      types: ['T'],
      retry: { attempts: 0 },
      onFailure: 'dead-letter',
      handler: new URL('./handler-modules/scripted.ts', import.meta.url),
    });
    processor.start();
    await processor.caughtUp();
    await processor.stop();

    await bus.erase({ subject: 'ada' });

    const letters = await collect(bus.deadLetters('p').list());
    expect(letters.map(({ position, error }) => [position, error.name])).toEqual([
      [1, 'Erased'],
      [2, 'CardError'],
    ]);
    await processor.close();
  } finally {
    await bus.close();
  }
});
