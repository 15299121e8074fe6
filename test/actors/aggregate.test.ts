/** Aggregates: decisions on the newest state, and snapshots that nobody has to trust. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePayload } from '#kernel/codec/payload';
import { sealRow } from '#kernel/codec/row';
import { encodeSnapshotHead, snapshotKey } from '#kernel/codec/snapshot-row';
import type { Engine } from '#kernel/storage/engine';
import type { Aggregate, AggregateOptions, AnyEvent, Bus, BusError } from '#store';
import { collect } from '../kit/collect.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { counterOf, countOf } from '../kit/counter.ts';
import { type BusOptions, engineKinds, TempStore, tempBus, tempStore } from '../kit/temp-store.ts';
import { unhandledRejections } from '../kit/unhandled-rejections.ts';

interface Account {
  balance: number;
  seen: number[];
}
type Command = { deposit: number } | { withdraw: number } | 'nothing';
type Options = Partial<AggregateOptions<AnyEvent, Account, Command>>;

function accounts(bus: Bus, options: Options = {}): Aggregate<Account, Command> {
  return bus.aggregate<Account, Command>({
    name: 'account',
    initial: { balance: 0, seen: [] },
    evolve: (state, { data, version }) => {
      // In place, which is allowed: the state is the aggregate's own.
      state.balance += data.amount;
      state.seen.push(version);
      return state;
    },
    decide: ({ balance }, command) => {
      if (command === 'nothing') return;
      const amount = 'deposit' in command ? command.deposit : -command.withdraw;
      if (balance + amount < 0) throw new RangeError(`only ${balance} left`);
      return { type: amount < 0 ? 'withdrawn' : 'deposited', data: { amount } };
    },
    ...options,
  });
}

const oneTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('a command decides on the state of its stream, and gives the state behind it', async () => {
  const bus = await tempBus();
  const account = accounts(bus);

  const first = await account.execute('ann', { deposit: 10 }, { metadata: { by: 'clerk' } });
  const second = await account.execute('ann', { withdraw: 4 });
  const nothing = await account.execute('ann', 'nothing');

  expect(first).toMatchObject({ state: { balance: 10 }, version: 1, appended: { stream: 'account-ann' } });
  expect(second).toMatchObject({ state: { balance: 6, seen: [1, 2] }, version: 2, appended: { firstVersion: 2 } });
  expect(nothing).toEqual({ state: { balance: 6, seen: [1, 2] }, version: 2, appended: undefined });
  expect(await account.load('ben')).toEqual({ state: { balance: 0, seen: [] }, version: 0 });
  expect((await bus.event(1))?.metadata).toEqual({ by: 'clerk' });
  await expect(account.execute('ann', { withdraw: 7 })).rejects.toThrow(new RangeError('only 6 left'));
  expect(bus.head).toBe(2);
});

test('several events of a decision are one commit, an empty list is no decision, and decide may be asynchronous', async () => {
  const bus = await tempBus();
  const decide = async (
    _state: Account,
    command: Command,
    { version, id, stream, attempt }: object & Record<string, unknown>,
  ) => {
    if (command === 'nothing') return [];
    return [
      { type: 'a', data: { amount: 1, version, id, stream, attempt } },
      { type: 'b', data: { amount: 2 } },
    ];
  };
  const account = accounts(bus, { decide: decide as never, stream: (id) => `bank:${id}` });

  const { version, appended } = await account.execute('ann', { deposit: 1 });

  expect([version, appended?.lastPosition]).toEqual([2, 2]);
  expect((await bus.event(1))?.data).toEqual({ amount: 1, version: 0, id: 'ann', stream: 'bank:ann', attempt: 1 });
  expect((await account.execute('ann', 'nothing')).appended).toBeUndefined();
});

test.each(engineKinds)(
  'sixteen executors at a time lose no update, and each version has one winner (%s)',
  async (kind) => {
    const bus = await tempBus({ durability: 'os' }, kind);
    const counter = counterOf(bus, { every: 10 });

    const executed = await Promise.all(
      oneTo(16).map(async () => {
        const versions: number[] = [];
        for (let n = 0; n < 25; n++) versions.push((await counter.execute('1', 'count')).version);
        return versions;
      }),
    );

    const versions = executed.flat().sort((left, right) => left - right);
    expect(versions).toEqual(oneTo(400));
    expect(await counterOf(bus).load('1')).toEqual({ state: countOf(400), version: 400 });
  },
);

test('executors of several threads lose no update', async () => {
  const bus = await tempStore('lmdb').openBus({ durability: 'os' });
  const threads = await Promise.all([1, 2].map(() => ConnectedThread.start(bus)));
  const counter = counterOf(bus);
  const own = async () => {
    for (let n = 0; n < 50; n++) await counter.execute('1', 'count');
  };

  await Promise.all([own(), ...threads.map((thread) => thread.count('1', 50))]);

  expect(await counter.load('1')).toEqual({ state: countOf(150), version: 150 });
});

test('commands for one id take turns, in their order, unless one takes too long', async () => {
  const bus = await tempBus();
  const decided: number[] = [];
  let answer: (() => void) | undefined;
  const account = accounts(bus, {
    decide: async (_state, command, { attempt }) => {
      const { deposit } = command as { deposit: number };
      decided.push(deposit * attempt);
      if (deposit === 3 && attempt === 1) {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      }
      return { type: 'deposited', data: { amount: deposit } };
    },
  });
  const controller = new AbortController();

  const executed = [1, 2, 3, 4, 5].map((deposit) => account.execute('ann', { deposit }));
  const aborted = Promise.allSettled([account.execute('ann', { deposit: 9 }, { signal: controller.signal })]);
  controller.abort();
  await executed[4];
  answer?.();
  await Promise.all(executed);

  expect(await aborted).toMatchObject([{ reason: { code: 'ABORTED' } }]);
  expect(decided).toEqual([1, 2, 3, 4, 5, 6]);
  expect((await account.load('ann')).state.balance).toBe(15);
});

test('a command that executes another one for the same id does not wait for ever', async () => {
  const bus = await tempBus();
  const account = accounts(bus, {
    retries: 2,
    decide: async (_state, command) => {
      if (command === 'nothing') await account.execute('ann', { deposit: 1 });
      return { type: 'deposited', data: { amount: 1 } };
    },
  });

  const refused = account.execute('ann', 'nothing');

  await expect(refused).rejects.toMatchObject({ code: 'CONCURRENCY_CONFLICT' });
  expect((await account.load('ann')).version).toBe(3);
});

test('a command that is beaten each time fails with the conflict, after its retries', async () => {
  const bus = await tempBus();
  const attempts: number[] = [];
  const account = accounts(bus, {
    retries: 3,
    decide: async (_state, _command, { attempt, stream }) => {
      attempts.push(attempt);
      await bus.append(stream, { type: 'deposited', data: { amount: 1 } });
      return { type: 'deposited', data: { amount: 5 } };
    },
  });

  const beaten = account.execute('ann', { deposit: 5 });

  await expect(beaten).rejects.toMatchObject({ code: 'CONCURRENCY_CONFLICT', detail: { expected: 3, actual: 4 } });
  expect(attempts).toEqual([1, 2, 3, 4]);
  expect((await account.load('ann')).state.balance).toBe(4);
});

test('a second command with the key of a first decides nothing, and gives what the first one did', async () => {
  const bus = await tempBus();
  let decisions = 0;
  const account = accounts(bus, {
    decide: ({ balance }) => {
      decisions++;
      if (balance > 0) throw new Error('paid in already');
      return { type: 'deposited', data: { amount: Math.random() } };
    },
  });
  const options = { idempotencyKey: 'order-1' };

  const [first, raced] = await Promise.all([
    account.execute('ann', 'nothing', options),
    account.execute('ann', 'nothing', options),
  ]);
  const decided = decisions;
  const again = await account.execute('ann', { deposit: 2 }, options);

  expect([first.appended?.firstPosition, raced.appended?.firstPosition]).toEqual([1, 1]);
  expect(again).toEqual({ ...first, appended: { ...first.appended, duplicate: true } });
  expect([decisions, bus.head]).toEqual([decided, 1]);
  await expect(account.execute('ben', 'nothing', options)).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
});

test('a signal ends a command before and while it decides, and takes nothing back that is written', async () => {
  const bus = await tempBus();
  const controller = new AbortController();
  const account = accounts(bus, { decide: () => new Promise(() => undefined) });
  const aborted = accounts(bus, {
    evolve: (state) => {
      controller.abort();
      return state;
    },
  });

  const written = await aborted.execute('ann', { deposit: 1 }, { signal: controller.signal });
  const ended = await Promise.allSettled([
    account.execute('ann', 'nothing', { signal: AbortSignal.abort() }),
    account.execute('ann', 'nothing', { signal: AbortSignal.timeout(1) }),
    account.load('ann', { signal: controller.signal }),
  ]);

  const refusal = { status: 'rejected', reason: { code: 'ABORTED', detail: { outcome: 'nothing-written' } } };
  expect(ended).toMatchObject([refusal, refusal, refusal]);
  expect(written.version).toBe(1);
});

test('whatever is executed, loaded and opened again, a state with snapshots is that of a fold over all events', async () => {
  const step = fc.oneof(fc.integer({ min: -5, max: 9 }), fc.constant('reopen'), fc.constant('foreign'));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 30 }), async (every, steps) => {
      await using store = new TempStore('memory');
      let bus = await store.openBus();
      bus.errors$.subscribe();
      let account = accounts(bus, { snapshot: { every } });
      for (const given of steps) {
        if (given === 'reopen') {
          store.crash(bus);
          bus = await store.openBus();
          bus.errors$.subscribe();
          account = accounts(bus, { snapshot: { every } });
        } else if (given === 'foreign') {
          const other = accounts(bus, { snapshot: { every, version: 2 }, initial: { balance: 1000, seen: [] } });
          await other.execute('ann', { deposit: 1 });
        } else {
          const command = given < 0 ? { withdraw: -given } : { deposit: given };
          await account.execute('ann', command).catch((error: unknown) => expect(error).toBeInstanceOf(RangeError));
        }
        expect(await account.load('ann')).toEqual(await accounts(bus).load('ann'));
      }
    }),
    { numRuns: 60 },
  );
});

/** The row of the only snapshot there is. */
function snapshotRow(engine: Engine): { key: Buffer; value: Buffer } | undefined {
  let found: { key: Buffer; value: Buffer } | undefined;
  engine.read((snapshot) =>
    snapshot.walkRows('snapshots', {}, (key, value) => {
      found = { key: Buffer.from(key), value: Buffer.from(value) };
      return true;
    }),
  );
  return found;
}

/** A bus whose engine can be looked into, with an account of `events` events and a snapshot after each. */
async function withSnapshot(events: number, options: BusOptions = {}) {
  const store = tempStore();
  let engine: Engine | undefined;
  const bus = await store.openBus(options, (own) => {
    engine = own;
    return own;
  });
  const reports: BusError<'SNAPSHOT_IGNORED'>[] = [];
  bus.errors$.subscribe((error) => reports.push(error as BusError<'SNAPSHOT_IGNORED'>));
  const account = accounts(bus, { snapshot: { every: 1 } });
  for (let n = 0; n < events; n++) await account.execute('ann', { deposit: 1 });
  return { bus, account, reports, engine: engine as Engine };
}

test('a load begins with the snapshot, and folds only what is behind it', async () => {
  const { bus } = await withSnapshot(10);
  const folded: number[] = [];
  const account = accounts(bus, {
    snapshot: { every: 1 },
    evolve: (state, { version }) => {
      folded.push(version);
      return state;
    },
  });

  const { state } = await account.load('ann');

  expect([folded, state]).toEqual([[10], { balance: 9, seen: oneTo(9) }]);
});

test.each<
  [string, BusError<'SNAPSHOT_IGNORED'>['detail']['reason'], (row: { key: Buffer; value: Buffer }) => Uint8Array]
>([
  ['with a wrong byte', 'damaged', ({ value }) => value.fill(1, 40, 41)],
  ['that is cut off', 'damaged', ({ value }) => value.subarray(0, 3)],
  ['too short for its shape', 'damaged', ({ key }) => sealRow(key, Buffer.alloc(9))],
  [
    'whose state can not be decoded',
    'damaged',
    ({ key, value }) => sealRow(key, Buffer.concat([value.subarray(0, 27), Buffer.of(0x81)])),
  ],
  ['of another version of the code', 'version', ({ key, value }) => altered(key, value, 6)],
  ['of another incarnation', 'incarnation', ({ key, value }) => altered(key, value, 12)],
  ['ahead of its stream', 'ahead', ({ key, value }) => altered(key, value, 1)],
])('a snapshot %s is reported as %s, and not used', async (_, reason, change) => {
  // Sealed, a row that is changed does not even open.
  const { account, reports, engine } = await withSnapshot(3, { encryption: undefined });
  const row = snapshotRow(engine) as { key: Buffer; value: Buffer };
  engine.commit({ blocks: [], rows: [{ table: 'snapshots', key: row.key, value: change(row) }] });

  const loaded = await account.load('ann');
  await account.execute('ann', { deposit: 1 });
  const healed = snapshotRow(engine);
  await account.load('ann');

  expect(loaded).toEqual({ state: { balance: 3, seen: [1, 2, 3] }, version: 3 });
  expect(reports.map(({ code, detail }) => [code, detail])).toEqual(
    Array(reason === 'damaged' || reason === 'ahead' ? 2 : 1).fill([
      'SNAPSHOT_IGNORED',
      { aggregate: 'account', stream: 'account-ann', reason },
    ]),
  );
  expect(healed?.value).not.toEqual(change(row));
});

/** The row with another byte at `at`, sealed. */
function altered(key: Buffer, value: Buffer, at: number): Uint8Array {
  const payload = Buffer.from(value.subarray(0, -4));
  payload[at] = (payload[at] as number) ^ 0x55;
  return sealRow(key, payload);
}

test('verify finds a damaged snapshot', async () => {
  const { bus, engine } = await withSnapshot(3);
  expect((await bus.verify()).ok).toBe(true);
  const row = snapshotRow(engine) as { key: Buffer; value: Buffer };
  const head = encodeSnapshotHead({ streamVersion: 1, snapshotVersion: 1, incarnation: Buffer.alloc(16) });
  const { encoding, bytes } = encodePayload(1, 0, 'data');
  const bad = sealRow(snapshotKey('other', 's'), Buffer.concat([head, Buffer.of(encoding), bytes]));
  engine.commit({
    blocks: [],
    rows: [
      { table: 'snapshots', key: row.key, value: row.value.fill(1, 40, 41) },
      { table: 'snapshots', key: snapshotKey('x', 's'), value: bad },
    ],
  });

  const { problems } = await bus.verify();

  expect(problems.map(({ table }) => table)).toEqual(['snapshots', 'snapshots']);
});

test('a state that can not be stored is a TypeError that names the place, and nothing is written', async () => {
  const bus = await tempBus();
  const account = accounts(bus, {
    snapshot: { every: 1 },
    evolve: (state) => Object.assign(state, { log: { write: () => undefined } }),
  });
  await account.execute('ann', { deposit: 1 });

  const refused = account.execute('ann', { deposit: 1 });

  await expect(refused).rejects.toThrow(
    new TypeError("the state of the aggregate account can't be kept in a snapshot, because of state.log.write"),
  );
  expect(bus.head).toBe(1);
  expect(() => accounts(bus, { snapshot: { every: 1 }, initial: () => new Map([[1, Symbol('x')]]) as never })).toThrow(
    TypeError,
  );
});

test('a state that is too large for a snapshot is reported once, and the aggregate goes on without', async () => {
  const bus = await tempBus();
  const codes: unknown[] = [];
  bus.errors$.subscribe((error) => codes.push((error as BusError<'SNAPSHOT_IGNORED'>).detail.reason));
  const account = accounts(bus, {
    snapshot: { every: 1 },
    evolve: (state) => Object.assign(state, { text: 'x'.repeat(9 * 2 ** 20) }),
  });

  for (let n = 0; n < 4; n++) await account.execute('ann', { deposit: 1 });

  expect(codes).toEqual(['too-large']);
});

test('an evolve that gives nothing, or a promise, is a TypeError', async () => {
  const bus = await tempBus();
  await bus.append('account-ann', { type: 'deposited', data: { amount: 1 } });

  await expect(accounts(bus, { evolve: () => undefined as never }).load('ann')).rejects.toThrow('returned undefined');
  await expect(accounts(bus, { evolve: (async () => 1) as never }).load('ann')).rejects.toThrow('returned a promise');
});

test('what becomes of the promise of an evolve harms nobody', async () => {
  const unhandled = unhandledRejections();
  const bus = await tempBus();
  await bus.append('account-ann', { type: 'deposited' });
  const account = accounts(bus, { evolve: (() => Promise.reject(new Error('planted'))) as never });

  await expect(account.load('ann')).rejects.toThrow(TypeError);

  expect(await unhandled()).toEqual([]);
});

test('a read-only bus loads, with snapshots, and refuses to execute before anything is decided', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const options = { snapshot: { every: 1 } };
  for (let n = 0; n < 3; n++) await accounts(bus, options).execute('ann', { deposit: 1 });
  const follower = await store.openBus({ readOnly: true });
  const decide = () => expect.unreachable('it decided');

  const { version } = await accounts(follower, options).load('ann');
  const refused = accounts(follower, { ...options, decide }).execute('ann', { deposit: 1 });

  expect(version).toBe(3);
  await expect(refused).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
});

test('the stream of an aggregate is of its name and the id, and has to be the name of a stream', async () => {
  const account = accounts(await tempBus());

  expect([account.name, account.stream('7')]).toEqual(['account', 'account-7']);
  expect(() => account.stream('')).toThrow(TypeError);
  expect(() => account.stream('a\n')).toThrow(expect.objectContaining({ code: 'STREAM_NAME_INVALID' }));
});

test.each<[string, object]>([
  ['the name undefined of an aggregate', { name: undefined }],
  ['the name "$x" of an aggregate', { name: '$x' }],
  ['initial must be', { initial: undefined }],
  ['initial must be', { initial: { f: () => 1 } }],
  ['evolve must be', { evolve: 1 }],
  ['decide must be', { decide: undefined }],
  ['stream must be', { stream: 'x' }],
  ['retries must be', { retries: -1 }],
  ['retries must be', { retries: 1001 }],
  ['snapshot.every must be', { snapshot: { every: 0 } }],
  ['snapshot.version must be', { snapshot: { every: 1, version: 0 } }],
  ['snapshot has no option', { snapshot: { every: 1, keep: 2 } }],
  ['aggregate has no option', { reduce: () => 1 }],
])('an option of an aggregate that is out of range is a TypeError that names it: %s', async (message, options) => {
  const bus = await tempBus();

  expect(() => accounts(bus, options as Options)).toThrow(message);
});

test('an option that execute does not have is refused', async () => {
  const account = accounts(await tempBus());

  await expect(account.execute('a', 'nothing', { retries: 1 } as never)).rejects.toThrow('execute has no option');
});

test('events of an aggregate are events like any other', async () => {
  const bus = await tempBus();
  await accounts(bus).execute('ann', { deposit: 1 });

  expect(await collect(bus.readStream('account-ann'))).toMatchObject([{ type: 'deposited', data: { amount: 1 } }]);
});
