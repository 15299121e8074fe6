/** What goes into the status file, and what does not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ActorImage, BusStatus, FailureImage, LaneImage, ProcessorImage } from '#actors/bus-status';
import type { ProcessorStatus } from '#actors/processor-status';
import { StatusForm } from '#actors/status-form';
import { isStatus } from '#actors/status-shape';
import { tells } from '../kit/canary.ts';

const canary = 'K4n4r13nv0g3l';
const place = { position: 7, stream: 'orders-1', type: 'placed' };

function failure(at: number, message = `failed ${at}`): FailureImage {
  return {
    atMs: at,
    phase: 'work',
    attempt: at,
    name: 'CardError',
    code: 'CARD_DECLINED',
    message,
    stack: `at ${at}`,
    event: place,
  };
}

function lane(facts: Partial<LaneImage> = {}): LaneImage {
  return { active: ['live', 'live.waiting'], can: ['PAUSE'], changes: [], failures: [], ...facts };
}

function statusOf(name: string, facts: Partial<ProcessorStatus['context']> = {}): ProcessorStatus {
  const numbers = {
    position: 1,
    cursor: 1,
    generation: 1,
    head: 2,
    lag: 1,
    attempts: 0,
    handled: 1,
    retries: 0,
    skipped: 0,
  };
  const more = { deadLettered: 0, parked: 0, replayed: 0, erased: 0, batches: 1, since: 5 };
  return { name, state: 'live', tags: ['running'], context: { ...numbers, ...more, ...facts } };
}

function processor(name: string, facts: Partial<ProcessorImage> = {}): ProcessorImage {
  return { name, kind: 'processor', status: statusOf(name), lanes: [lane()], wants: { types: ['placed'] }, ...facts };
}

function actor(id: string): ActorImage {
  return { id, parent: 'bus', kind: 'processor', name: id, state: 'live', messages: 3 };
}

function bus(processors: readonly ProcessorImage[], actors: readonly ActorImage[] = []): BusStatus {
  const commits = { count: 2, byMicros: [0, 1, 1] };
  return { atMs: 1, pid: 2, startedMs: 3, state: 'open', head: 4, commits, eventsRead: 5, processors, actors };
}

function told(status: BusStatus, isEncrypted = false, bytesMax?: number): BusStatus {
  const value: unknown = JSON.parse(new StatusForm(isEncrypted, bytesMax).text(status));
  if (!isStatus(value)) throw new Error('it has not the shape of a status');
  return value;
}

test('everything is told but stacks, transitions, and older changes and failures', () => {
  const changes = Array.from({ length: 8 }, (_, atMs) => ({ from: 'live', to: 'retrying', atMs }) as const);
  const failures = Array.from({ length: 8 }, (_, at) => failure(at));
  const transition = { from: ['idle'], to: ['live'], event: 'START', atMs: 1, number: 1 };
  const failing = { ...place, sinceMs: 9 };
  const build = { version: 2, activeVersion: 1, activePosition: 3, isBuilding: true };
  const full = processor('orders', {
    lanes: [lane({ changes, failures, transition, failing })],
    build,
    kind: 'projection',
  });
  const status = bus([full, processor('other')], [actor('bus'), actor('orders')]);

  const { processors, ...facts } = told(status);

  const { processors: _, ...expected } = status;
  expect(facts).toEqual(expected);
  const lastFailures = failures.slice(-5).map(({ stack: _stack, ...rest }) => rest);
  const lanes = [{ ...lane(), failing, changes: changes.slice(-5), failures: lastFailures }];
  expect(processors).toEqual([{ ...full, lanes }, processor('other')]);
});

test('a long message is cut, and a long list of types or streams left out', () => {
  const lastError = { name: 'Error', message: 'x'.repeat(10_000) };
  const wants = { streams: Array.from({ length: 1000 }, (_, at) => `stream-${at}`) };

  const { processors } = told(bus([processor('p', { status: statusOf('p', { lastError }), wants })]));

  expect(processors[0]?.status.context.lastError?.message).toHaveLength(500);
  expect(processors[0]?.wants).toEqual({});
});

test("of an encrypted store nothing is told that code of the user's could have said of an event", () => {
  const error = { name: `${canary} Error`, code: `for ${canary}`, message: `of ${canary}` };
  const bad: FailureImage = { ...failure(1), ...error, stack: `at ${canary}` };
  const alone = statusOf('p', { lastError: error });
  const status = { ...alone, partitions: [statusOf('p', { lastError: error }), statusOf('p')] };
  const image = processor('p', { status, lanes: [lane({ failures: [bad, failure(2, canary)] }), lane()] });

  const text = new StatusForm(true).text(bus([image]));
  const { processors } = told(bus([image]), true);

  expect(tells(text, canary)).toBe(false);
  expect(tells(new StatusForm(false).text(bus([image])), canary)).toBe(true);
  expect(tells(new StatusForm(true, 1200).text(bus([image])), canary)).toBe(false);
  expect(processors[0]?.status.context.lastError).toMatchObject({ name: 'Error' });
  expect(processors[0]?.lanes[0]?.failures[1]).toMatchObject({
    name: 'CardError',
    code: 'CARD_DECLINED',
    event: place,
  });
});

test('where there is no room for all, lanes are left out first, then the last processors and actors', () => {
  const names = Array.from({ length: 200 }, (_, at) => `p${at}`);
  const status = bus(
    names.map((name) => processor(name)),
    names.map(actor),
  );
  const whole = told(status);
  const small = told(status, false, Buffer.byteLength(new StatusForm(false).text(status)) - 1);
  const few = told(status, false, 50_000);

  expect([whole.isCut, whole.processors.length, whole.actors.length]).toEqual([undefined, 200, 200]);
  expect([small.isCut, small.processors.length, small.actors.length]).toEqual([true, 200, 200]);
  expect(small.processors.every(({ lanes }) => lanes.length === 0)).toBe(true);
  expect(few.isCut).toBe(true);
  expect(few.processors.map(({ name }) => name)).toEqual(names.slice(0, few.processors.length));
  expect(few.processors.length).toBeGreaterThan(50);
  expect(few.actors.length).toBeGreaterThan(50);
});

test('the text is never longer than it may be, and always one that readers take', () => {
  const name = fc.string({ unit: 'grapheme', maxLength: 300 });
  const arbitraryStatus = fc.record({
    processors: fc.array(
      name.map((text) => processor(text, { lanes: [lane({ failures: [failure(1, text)] })], wants: { prefix: text } })),
      { maxLength: 60 },
    ),
    actors: fc.array(name.map(actor), { maxLength: 100 }),
  });

  fc.assert(
    fc.property(
      arbitraryStatus,
      fc.integer({ min: 400, max: 60_000 }),
      fc.boolean(),
      (parts, bytesMax, isEncrypted) => {
        const status = bus(parts.processors, parts.actors);
        const text = new StatusForm(isEncrypted, bytesMax).text(status);

        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytesMax);
        expect(isStatus(JSON.parse(text))).toBe(true);
      },
    ),
  );
});

test('only the text of what has changed is made anew', () => {
  const form = new StatusForm(false);
  let made = 0;
  const counted = { toJSON: () => `made ${++made}` };
  const rows = [processor('a', { wants: counted as never }), processor('b', { wants: counted as never })];
  form.text(bus(rows));
  form.text(bus([rows[0] as ProcessorImage, processor('b')]));

  // Both have the same object.
  expect(made).toBe(1);
});

test.each<[what: string, spoil: (status: Record<string, unknown>) => unknown]>([
  ['no number of the head', (status) => ({ ...status, head: '4' })],
  ['no counts', (status) => ({ ...status, commits: undefined })],
  ['a processor that is a text', (status) => ({ ...status, processors: ['p'] })],
  ['a processor without a status', (status) => ({ ...status, processors: [{ ...processor('p'), status: {} }] })],
  ['a lane without a list', (status) => ({ ...status, processors: [processor('p', { lanes: [{} as never] })] })],
  [
    'an error that is a number',
    (status) => ({
      ...status,
      processors: [processor('p', { status: statusOf('p', { lastError: 5 as never }) })],
    }),
  ],
  [
    'a failure without a message',
    (status) => ({
      ...status,
      processors: [processor('p', { lanes: [lane({ failures: [{ ...failure(1), message: undefined as never }] })] })],
    }),
  ],
  [
    'a failure with a stack that is none',
    (status) => ({
      ...status,
      processors: [processor('p', { lanes: [lane({ failures: [{ ...failure(1), stack: {} as never }] })] })],
    }),
  ],
  [
    'a transition to nowhere',
    (status) => ({
      ...status,
      processors: [
        processor('p', {
          lanes: [lane({ transition: { from: [], to: 'live', event: 'X', atMs: 1, number: 1 } as never })],
        }),
      ],
    }),
  ],
  [
    'an event that fails since no time',
    (status) => ({ ...status, processors: [processor('p', { lanes: [lane({ failing: place as never })] })] }),
  ],
  [
    'a wish for types that is a text',
    (status) => ({ ...status, processors: [processor('p', { wants: { types: 'placed' as never } })] }),
  ],
  [
    'a projection of which nobody knows whether it is built',
    (status) => ({ ...status, processors: [processor('p', { build: { version: 1, activePosition: 0 } as never })] }),
  ],
  ['an actor with a state that is none', (status) => ({ ...status, actors: [{ ...actor('a'), state: {} }] })],
  ['an actor with a name that is none', (status) => ({ ...status, actors: [{ ...actor('a'), name: {} }] })],
  ['nothing but a list', () => []],
  ['nothing', () => null],
])('%s is no status', (_, spoil) => {
  const status = { ...bus([processor('p')], [actor('a')]) };

  expect([isStatus(status), isStatus(spoil(status))]).toEqual([true, false]);
});
