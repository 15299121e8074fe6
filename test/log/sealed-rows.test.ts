import { describe, expect, test } from 'vitest';
import { decodeMark } from '#kernel/codec/projection-row';
import { openRow, sealRow, textKey } from '#kernel/codec/row';
import { snapshotKey, streamOfSnapshot } from '#kernel/codec/snapshot-row';
import { encodeRequest } from '#kernel/log/append-request';
import { LogWriter, type Outcome, type WriterCommand } from '#kernel/log/log-writer';
import { buildCursorName, buildsRow } from '#kernel/log/projection-rows';
import type { RowDraft, RowSecret } from '#kernel/log/row-draft';
import { keyIdAt, openPayload } from '#kernel/log/sealed-payload';
import { keyedEngine } from '../kit/keyed-store.ts';
import { KeysInMemory } from '../kit/keys-in-memory.ts';
import { tempStore } from '../kit/temp-store.ts';

const stream = 'orders-1';
const head = Buffer.from('head');
const secretBytes = Buffer.from('what nobody else may read');
const rowKey = textKey('row');
const owner = { kind: 'stream', stream, subject: undefined } as const;

function draft(given: Partial<RowSecret> = {}): RowDraft {
  const secret: RowSecret = {
    label: 'snapshot',
    owner,
    payload: { encoding: 1, bytes: secretBytes },
    ifErased: 'refuse',
    ...given,
  };
  return { table: 'snapshots', key: rowKey, value: head, secret };
}

/** A writer on a store in memory, and the row `rowKey` as it is stored. */
async function writerWith(keys: KeysInMemory | undefined) {
  const store = tempStore();
  const engine = keys === undefined ? await store.openEngine() : await keyedEngine(store, keys);
  const writer = new LogWriter(engine, { clock: () => 1000, idempotencyTtlMs: 1000, keys });
  const commit = (...commands: WriterCommand[]): Outcome[] => writer.commit(commands);
  const write = (row: RowDraft): Outcome => commit({ kind: 'write-rows', rows: [row] })[0] as Outcome;
  const stored = () => store.storage.rows.snapshots.find(({ key }) => Buffer.compare(key, rowKey) === 0)?.value;
  const payload = () => openRow('snapshots', rowKey, stored() as Uint8Array);
  return { store, writer, commit, write, stored, payload };
}

const place = { label: 'snapshot', table: 'snapshots', key: rowKey } as const;

test('without keys a draft is its value, the encoding and the payload', async () => {
  const { write, stored } = await writerWith(undefined);

  write(draft());

  expect(Buffer.from(stored() as Uint8Array)).toEqual(
    Buffer.from(sealRow(rowKey, Buffer.concat([head, Buffer.of(1), secretBytes]))),
  );
});

test('where the owner has no key, a draft that says what is plain is that', async () => {
  const { write, stored } = await writerWith(new KeysInMemory());
  const plain = sealRow(rowKey, Buffer.from('an older form'));

  write(draft({ owner: { ...owner, stream: 'plain-1' }, plain }));

  expect(stored()).toEqual(plain);
});

test('with keys the payload is sealed behind its head, and opens again', async () => {
  const keys = new KeysInMemory();
  const { write, stored, payload } = await writerWith(keys);

  write(draft());

  expect(Buffer.from(stored() as Uint8Array).includes(secretBytes)).toBe(false);
  expect(payload().subarray(0, head.length)).toEqual(Uint8Array.from(head));
  expect(keyIdAt(payload(), head.length)).toBe(1);
  expect(openPayload(keys, place, owner, payload(), head.length)).toEqual({ encoding: 1, bytes: secretBytes });
  expect(keys.sealing(owner, false)?.seals).toBe(1);
});

test('an empty payload is sealed like any other', async () => {
  const keys = new KeysInMemory();
  const { write, payload } = await writerWith(keys);

  write(draft({ payload: { encoding: 2, bytes: new Uint8Array(0) } }));

  expect(openPayload(keys, place, owner, payload(), head.length)).toEqual({ encoding: 2, bytes: Buffer.alloc(0) });
});

test('without keys a sealed row asks for the master key', async () => {
  const { write, payload } = await writerWith(new KeysInMemory());

  write(draft());

  expect(() => openPayload(undefined, place, owner, payload(), head.length)).toThrow(
    expect.objectContaining({ code: 'MASTER_KEY_REQUIRED' }),
  );
});

test('a payload whose key is erased reads as erased', async () => {
  const keys = new KeysInMemory();
  const { write, payload } = await writerWith(keys);
  write(draft());

  keys.erase({ stream });

  expect(openPayload(keys, place, owner, payload(), head.length)).toBe('erased');
});

test('any other bit in the payload, the head or the key does not open', async () => {
  const keys = new KeysInMemory();
  const { write, payload } = await writerWith(keys);
  write(draft());
  const whole = Uint8Array.from(payload());

  for (let bit = 0; bit < whole.length * 8; bit++) {
    const changed = Uint8Array.from(whole);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    // Without the bit that says that it is sealed, the bytes are a plain payload: that of no secret.
    if ((changed[head.length] as number) < 0x80) continue;
    expect(() => openPayload(keys, place, owner, changed, head.length), `bit ${bit}`).toThrow(
      expect.objectContaining({ code: 'DECRYPTION_FAILED' }),
    );
  }
  for (let bit = 0; bit < rowKey.length * 8; bit++) {
    const key = Uint8Array.from(rowKey);
    key[bit >> 3] = (key[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => openPayload(keys, { ...place, key }, owner, whole, head.length)).toThrow(
      expect.objectContaining({ code: 'DECRYPTION_FAILED' }),
    );
  }
});

test('a payload does not open under another label, for another stream, in another store, or cut short', async () => {
  const keys = new KeysInMemory();
  const { write, payload } = await writerWith(keys);
  write(draft());
  const whole = Uint8Array.from(payload());
  const other = new KeysInMemory();
  other.sealing(owner, false);

  const tries = [
    () => openPayload(keys, { ...place, label: 'timer' }, owner, whole, head.length),
    () => openPayload(keys, place, { ...owner, stream: 'orders-2' }, whole, head.length),
    () => openPayload(other, place, owner, whole, head.length),
    () => openPayload(keys, place, owner, whole.subarray(0, whole.length - 1), head.length),
    () => openPayload(keys, place, owner, whole.subarray(0, head.length + 20), head.length),
  ];

  for (const open of tries) expect(open).toThrow(expect.objectContaining({ code: 'DECRYPTION_FAILED' }));
  expect(() => openPayload(keys, place, owner, whole.subarray(0, head.length), head.length)).toThrow(
    expect.objectContaining({ code: 'STORE_CORRUPT' }),
  );
});

test('the key of an event seals what comes from it, whosever it is', async () => {
  const keys = new KeysInMemory();
  const { write, payload } = await writerWith(keys);
  const id = keys.sealing({ kind: 'stream', stream, subject: 'ada' }, false)?.id as number;

  write(draft({ owner: { kind: 'event-key', id, stream } }));

  expect(keyIdAt(payload(), head.length)).toBe(id);
  keys.erase({ subject: 'ada' });
  expect(openPayload(keys, place, owner, payload(), head.length)).toBe('erased');
});

describe.each(['owner', 'event-key'] as const)('when the key is erased (%s)', (kind) => {
  async function erased() {
    const keys = new KeysInMemory();
    const id = keys.sealing(owner, false)?.id as number;
    keys.erase({ stream });
    const one = kind === 'owner' ? owner : ({ kind: 'event-key', id, stream } as const);
    return {
      ...(await writerWith(keys)),
      draftIf: (ifErased: RowSecret['ifErased']) => draft({ owner: one, ifErased }),
    };
  }

  test('a draft that asks for it refuses the rows beside it as well', async () => {
    const { commit, draftIf, store } = await erased();
    const beside: RowDraft = { table: 'snapshots', key: textKey('beside'), value: sealRow(textKey('beside'), head) };

    const outcomes = commit({ kind: 'write-rows', rows: [beside, draftIf('refuse')] });

    expect(outcomes).toEqual([{ error: expect.objectContaining({ code: 'KEY_ERASED' }) }]);
    expect(store.storage.rows.snapshots).toEqual([]);
  });

  test('a draft that asks for it is left out, and the rest is written', async () => {
    const { commit, draftIf, stored, store } = await erased();
    const beside: RowDraft = { table: 'snapshots', key: textKey('beside'), value: sealRow(textKey('beside'), head) };

    const outcomes = commit({ kind: 'write-rows', rows: [beside, draftIf('leave-out')] });

    expect(outcomes).toEqual([{ results: [] }]);
    expect(stored()).toBeUndefined();
    expect(store.storage.rows.snapshots.length).toBe(1);
  });

  test('a draft that asks for it is written without the secret', async () => {
    const { write, payload, draftIf } = await erased();

    write(draftIf('omit'));

    expect(Buffer.from(payload())).toEqual(Buffer.concat([head, Buffer.of(0)]));
  });
});

test('a row made of what could be read before keys were erased counts as erased', async () => {
  const keys = new KeysInMemory();
  const { write, stored } = await writerWith(keys);

  write(draft({ ifErased: 'leave-out', keyGeneration: keys.generation - 1 }));
  expect(stored()).toBeUndefined();
  write(draft({ ifErased: 'leave-out', keyGeneration: keys.generation }));
  expect(stored()).toBeDefined();
});

test('erasures that the log is told of together leave one mark on a build, and no snapshot of any of their streams', async () => {
  const keys = new KeysInMemory();
  const { commit, store, writer } = await writerWith(keys);
  const build = { version: 1, build: 1, isSealed: true };
  const snapshotRow = (name: string): RowDraft => {
    const key = snapshotKey('s', name);
    return { table: 'snapshots', key, value: sealRow(key, head) };
  };
  commit(
    encodeRequest(
      ['a', 'b', 'c'].map((name) => ({ stream: name, events: { type: 'x' } })),
      {},
      0,
    ),
    { kind: 'write-rows', rows: [buildsRow('p', { active: build, building: undefined, lastBuild: 1 })] },
    { kind: 'write-rows', rows: ['a', 'b', 'c'].map(snapshotRow) },
    {
      kind: 'move-cursor',
      name: buildCursorName('p', 1),
      expected: undefined,
      to: { position: 3, generation: 1 },
      rows: [],
    },
  );

  for (const name of ['a', 'no such', 'b']) keys.erase({ stream: name });
  commit();

  const { projections, snapshots } = store.storage.rows;
  expect(writer.head).toBe(6);
  expect(projections.slice(1).map(({ key, value }) => decodeMark(key, value))).toEqual([
    { build: 1, since: 4, position: 6 },
  ]);
  expect(snapshots.map(({ key }) => streamOfSnapshot(key))).toEqual(['c']);
});

test('an append with a row that is refused writes nothing, and those beside it are written', async () => {
  const keys = new KeysInMemory();
  keys.sealing(owner, false);
  keys.erase({ stream });
  keys.recorded();
  const { commit, writer } = await writerWith(keys);
  const request = encodeRequest([{ stream: 'other', events: { type: 'x' } }], {}, 0);

  const outcomes = commit(request, { ...request, rows: [draft()] }, request);

  expect(outcomes.map((outcome) => 'error' in outcome)).toEqual([false, true, false]);
  expect(writer.head).toBe(2);
});

test('a move of a cursor with a row that is refused does not move it', async () => {
  const keys = new KeysInMemory();
  keys.sealing(owner, false);
  keys.erase({ stream });
  const { commit, stored } = await writerWith(keys);
  const move = { kind: 'move-cursor', name: 'p', expected: undefined, to: { position: 0, generation: 1 } } as const;

  const outcomes = commit({ ...move, rows: [draft()] }, { ...move, rows: [draft({ ifErased: 'leave-out' })] });

  expect(outcomes).toEqual([{ error: expect.objectContaining({ code: 'KEY_ERASED' }) }, { results: [] }]);
  expect(stored()).toBeUndefined();
});

describe('the hash of a call under an idempotency key', () => {
  const call = (n: number) =>
    encodeRequest([{ stream: 'a', events: { type: 'x', data: n } }], { idempotencyKey: 'k' }, 0);

  async function reopened(before: KeysInMemory | undefined, after: KeysInMemory) {
    const store = tempStore();
    const engine = await keyedEngine(store, after);
    const options = { clock: () => 1000, idempotencyTtlMs: 1000 };
    const first = new LogWriter(engine, { ...options, keys: before });
    first.commit([call(1)]);
    first.flushIndex();
    return { store, writer: new LogWriter(engine, { ...options, keys: after }) };
  }

  test('is nowhere in a store with keys, neither in its blocks nor in its rows', async () => {
    const keys = new KeysInMemory();

    const { store } = await reopened(keys, keys);

    const { blocks, rows } = store.storage;
    const bytes = Buffer.concat([...blocks.map((block) => block.bytes), ...rows.idempotency.map(({ value }) => value)]);
    const hash = call(1).idempotency?.hash as Uint8Array;
    expect(bytes.includes(Buffer.from(hash))).toBe(false);
    expect(bytes.includes(Buffer.from(keys.contentTag(hash)))).toBe(true);
  });

  test.each([
    ['in one group', undefined],
    ['in a store with keys', new KeysInMemory()],
  ])('tells the same content from other content (%s)', async (_where, before) => {
    const keys = before ?? new KeysInMemory();
    const { writer } = await reopened(keys, keys);

    const [same, other] = writer.commit([call(1), call(2)]);

    expect(same).toMatchObject({ results: [{ duplicate: true }] });
    expect(other).toMatchObject({ error: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  test('still counts where it was stored before the store had keys', async () => {
    const { writer } = await reopened(undefined, new KeysInMemory());

    const [same, other] = writer.commit([call(1), call(2)]);

    expect(same).toMatchObject({ results: [{ duplicate: true }] });
    expect(other).toMatchObject({ error: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });
});
