import { expect, test } from 'vitest';
import { encodeRequest } from '#kernel/log/append-request';

const events = [{ type: 'placed', data: { n: 1 } }, { type: 'paid' }];

test('a call without subjects, and without a new key, says nothing of keys', () => {
  const request = encodeRequest([{ stream: 'a', events }], { newKeyGeneration: false }, 0);

  expect(Object.keys(request)).toEqual(['kind', 'parts', 'types', 'records', 'idempotency']);
});

test('the subject of each event goes along, over all streams of a call', () => {
  const [first, second] = events;
  const appends = [
    { stream: 'a', events: [first, { ...second, subject: 'ada' }] },
    { stream: 'b', events: { ...second, subject: 'bob' } },
  ];

  const { subjects } = encodeRequest(appends, {}, 0);

  expect(subjects).toEqual([undefined, 'ada', 'bob']);
});

test('a call that asks for a new key says so', () => {
  const request = encodeRequest([{ stream: 'a', events }], { newKeyGeneration: true }, 0);

  expect(request.newKeyGeneration).toBe(true);
});

test('a newKeyGeneration that is neither true nor false is refused', () => {
  const options = { newKeyGeneration: 'yes' as unknown as boolean };

  expect(() => encodeRequest([{ stream: 'a', events }], options, 0)).toThrow(TypeError);
});

test('a subject is 1 to 512 bytes of well-formed text without control characters', () => {
  const withSubject = (subject: unknown) => () =>
    encodeRequest([{ stream: 'a', events: [{ type: 'x' }, { type: 'x', subject }] }], {}, 0);

  for (const subject of ['x', '$x', 'x'.repeat(512), 'ä'.repeat(256)]) expect(withSubject(subject)).not.toThrow();
  for (const subject of ['', 'x'.repeat(513), 'ä'.repeat(257), 'a\u0000b', '\ud800', 7, null, {}]) {
    expect(withSubject(subject)).toThrow(
      expect.objectContaining({ code: 'EVENT_INVALID', detail: { index: 1, path: 'subject' } }),
    );
  }
});

test('a refused subject is not named in the message', () => {
  const append = () => encodeRequest([{ stream: 'a', events: { type: 'x', subject: 'ada\u0000' } }], {}, 0);

  expect(append).toThrow(expect.objectContaining({ message: expect.not.stringContaining('ada') }));
});

test('a subject is content: under one key, the same event about somebody else is another', () => {
  const hashOf = (subject: string | undefined) => {
    const event = subject === undefined ? { type: 'x' } : { type: 'x', subject };
    return Buffer.from(
      encodeRequest([{ stream: 'a', events: event }], { idempotencyKey: 'k' }, 0).idempotency?.hash ?? [],
    );
  };

  const hashes = [hashOf(undefined), hashOf('ada'), hashOf('bob')];

  expect(new Set(hashes.map((hash) => hash.toString('hex'))).size).toBe(3);
  expect(hashOf('ada')).toEqual(hashes[1]);
});
