/** Schemas by type: what is refused before anything is written, and what of the rest is stored. */
import { type } from 'arktype';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type BusError, openBus, type Schemas } from '#store';
import { collect } from '../kit/collect.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { tempBus, tempStore } from '../kit/temp-store.ts';
import { unhandledRejections } from '../kit/unhandled-rejections.ts';

/** A schema by hand: `validate` is all there is to one. */
function schemaOf(validate: (value: unknown) => unknown): Schemas[string] {
  return { '~standard': { version: 1, vendor: 'test', validate } } as Schemas[string];
}

function refused(append: Promise<unknown>): Promise<unknown> {
  return append.then(
    () => expect.unreachable('it was accepted'),
    (thrown: unknown) => thrown,
  );
}

async function refusalOf(append: Promise<unknown>): Promise<BusError<'SCHEMA_INVALID'>> {
  const error = await refused(append);
  expect(error).toMatchObject({ name: 'BusError', code: 'SCHEMA_INVALID' });
  return error as BusError<'SCHEMA_INVALID'>;
}

test.each<[string, Schemas[string]]>([
  ['zod', z.object({ items: z.array(z.object({ price: z.number().min(0) })), note: z.string().default('none') })],
  [
    'valibot',
    v.object({
      items: v.array(v.object({ price: v.pipe(v.number(), v.minValue(0)) })),
      note: v.optional(v.string(), 'none'),
    }),
  ],
  ['arktype', type({ items: type({ price: 'number >= 0' }).array(), note: "string = 'none'" })],
])('a schema of %s refuses with the place of what is wrong, and what it gives is what is stored', async (_, Placed) => {
  const bus = await tempBus({ schemas: { Placed } });

  const refusal = await refusalOf(
    bus.append('a', [
      { type: 'Placed', data: { items: [] } },
      { type: 'Placed', data: { items: [{ price: 1 }, { price: -1 }] } },
    ]),
  );
  await bus.append('a', { type: 'Placed', data: { items: [{ price: 2 }] } });

  expect(refusal.detail).toEqual({
    index: 1,
    type: 'Placed',
    issues: [{ path: 'data.items[1].price', message: expect.any(String) }],
  });
  const stored = await collect(bus.read());
  expect(stored.map(({ data }) => data)).toEqual([{ items: [{ price: 2 }], note: 'none' }]);
});

test('one event that is refused refuses the whole call, over several streams too', async () => {
  const bus = await tempBus({ schemas: { Paid: z.object({ cents: z.int() }) } });

  const refusal = await refusalOf(
    bus.appendMany([
      { stream: 'a', events: { type: 'Paid', data: { cents: 1 } } },
      { stream: 'b', events: [{ type: 'Other' }, { type: 'Paid', data: { cents: 'x' } }] },
    ]),
  );

  expect(refusal.detail.index).toBe(2);
  expect(bus.head).toBe(0);
});

test('an event without a schema is stored as it is given', async () => {
  const bus = await tempBus({ schemas: { Paid: z.object({ cents: z.int() }) } });

  await bus.append('a', { type: 'Other', data: { cents: 'x' } });

  expect((await bus.event(1))?.data).toEqual({ cents: 'x' });
});

test('a schema that answers later is waited for', async () => {
  const Paid = z.object({ cents: z.int() }).refine(async ({ cents }) => cents !== 13, 'unlucky');
  const bus = await tempBus({ schemas: { Paid, Closed: z.undefined() } });

  const refusal = await refusalOf(
    bus.append('a', [{ type: 'Paid', data: { cents: 12 } }, { type: 'Closed' }, { type: 'Paid', data: { cents: 13 } }]),
  );
  const result = await bus.append('a', [{ type: 'Paid', data: { cents: 12 } }, { type: 'Closed' }]);

  expect(refusal.detail).toEqual({ index: 2, type: 'Paid', issues: [{ path: 'data', message: 'unlucky' }] });
  expect(result.lastVersion).toBe(2);
});

test('an append that waits for its schema is overtaken, ends with its signal, and is refused by a closed bus', async () => {
  const answers: (() => void)[] = [];
  const Slow = schemaOf((value) => new Promise((resolve) => answers.push(() => resolve({ value }))));
  const bus = await tempBus({ schemas: { Slow } });
  const controller = new AbortController();

  const slow = bus.append('a', { type: 'Slow' });
  const aborted = refused(bus.append('a', { type: 'Slow' }, { signal: controller.signal }));
  await bus.append('a', { type: 'Fast' });
  controller.abort();
  answers[0]?.();
  const { firstPosition } = await slow;
  const late = refused(bus.append('a', { type: 'Slow' }));
  const closed = bus.close();
  answers[2]?.();

  expect(firstPosition).toBe(2);
  expect(await aborted).toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' } });
  expect(await late).toMatchObject({ code: 'STORE_CLOSED' });
  await closed;
});

test.each<[string, (value: unknown) => unknown]>([
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
  ['answers with nothing', () => undefined],
  ['answers with nothing, later', async () => undefined],
  ['has issues that are none', () => ({ issues: 7 })],
  [
    'has an issue that can not be read',
    () => ({
      issues: [
        {
          get message() {
            throw new Error('broken');
          },
        },
      ],
    }),
  ],
])('a schema that %s refuses the event, with the cause', async (_, validate) => {
  const bus = await tempBus({ schemas: { Odd: schemaOf(validate) } });

  const refusal = await refusalOf(bus.append('a', { type: 'Odd' }));

  expect(refusal.cause).toBeInstanceOf(Error);
  expect(refusal.detail.issues).toEqual([{ path: 'data', message: 'the schema failed' }]);
  expect(bus.head).toBe(0);
});

test('a refusal carries no more than 100 issues', async () => {
  const issues = Array.from({ length: 5000 }, (_, n) => ({ message: 'no', path: [{ key: 'list' }, n] }));
  const bus = await tempBus({ schemas: { Long: schemaOf(() => ({ issues })) } });

  const refusal = await refusalOf(bus.append('a', { type: 'Long' }));

  expect(refusal.detail.issues).toHaveLength(100);
  expect(refusal.detail.issues[3]).toEqual({ path: 'data.list[3]', message: 'no' });
});

test('what a schema gives is checked like any other data', async () => {
  const bus = await tempBus({ schemas: { Odd: schemaOf(() => ({ value: { at: () => 1 } })) } });

  const refused = bus.append('a', { type: 'Odd' });

  await expect(refused).rejects.toMatchObject({ code: 'EVENT_INVALID', detail: { path: 'data.at' } });
});

test('schemas hold for publish, for views, for aggregates and for timers', async () => {
  const bus = await tempBus({ schemas: { Paid: z.object({ cents: z.int() }) } });
  const wrong = { type: 'Paid', data: { cents: 'x' } };
  const payments = bus.aggregate({ name: 'payment', initial: {}, evolve: (state) => state, decide: () => wrong });

  await refusalOf(bus.publish(wrong));
  await refusalOf(bus.with({ metadata: {} }).append('a', wrong));
  await refusalOf(payments.execute('1', undefined));
  await refusalOf(bus.schedule('a', wrong, { delayMs: 0 }));

  expect(bus.head).toBe(0);
});

test('a connected thread checks what it appends by the schemas that it was given', async () => {
  const bus = await tempStore('lmdb').openBus({ durability: 'os' });
  const thread = await ConnectedThread.start(bus);

  const answer = refused(thread.append('a', { type: 'checked', data: { n: 1.5 } }));

  expect(await answer).toMatchObject({ code: 'SCHEMA_INVALID', detail: { issues: [{ path: 'data.n' }] } });
  await thread.append('a', { type: 'checked', data: { n: 1 } });
  await bus.append('a', { type: 'checked', data: { n: 1.5 } });
  expect(bus.head).toBe(2);
});

test.each<[string, unknown]>([
  ['schemas must be an object', 7],
  ['schemas must be an object', []],
  ['schemas.Paid must be a schema', { Paid: { parse: () => undefined } }],
  ['schemas.Paid must be a schema', { Paid: undefined }],
])('schemas that are none are a TypeError: %s', async (message, schemas) => {
  const opened = openBus({ path: ':memory:', schemas: schemas as Schemas });

  await expect(opened).rejects.toThrow(message);
});

test('a call whose signal is aborted already says so, and what an asynchronous schema says of it harms nobody', async () => {
  const unhandled = unhandledRejections();
  const bus = await tempBus({ schemas: { Paid: schemaOf(async () => ({ issues: [{ message: 'no' }] })) } });
  const signal = AbortSignal.abort();

  const appended = bus.append('s', { type: 'Paid' }, { signal });
  await expect(appended).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' } });
  const scheduled = bus.schedule('s', { type: 'Paid' }, { delayMs: 5, signal });
  await expect(scheduled).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' } });

  expect(await unhandled()).toEqual([]);
});
