/** What a process warning says of a failure that nobody listens to. */
import { once } from 'node:events';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { warn } from '#actors/warning';
import { BusError } from '#store';

const canary = 'K4n4r13nv0g3l';
const quoting = Object.assign(new RangeError(`no ${canary}`), { name: canary, code: canary, cause: canary });
const detail = { processor: 'mails', position: 7, count: 2, how: 'dead-letter' } as const;
const givenUp = new BusError('EVENT_GIVEN_UP', `gave up: no ${canary}`, detail, { cause: quoting });

async function warningOf(error: unknown, isEncrypted: boolean): Promise<Error & { code?: string }> {
  const warned = once(process, 'warning');
  warn(error, isEncrypted);
  return (await warned)[0];
}

test.each([
  ['what user code throws', quoting],
  ['an error of ours that quotes it', givenUp],
  ['anything else', canary],
])('of an encrypted store %s is not told', async (_, error) => {
  const warning = await warningOf(error, true);

  expect(inspect(warning, { showHidden: true, depth: 9 })).not.toContain(canary);
  expect(warning.message).toContain('errors$');
});

test('of an encrypted store the code and the place of an error of ours are told', async () => {
  const warning = await warningOf(givenUp, true);

  expect(warning).toMatchObject({ name: 'BusError', code: 'EVENT_GIVEN_UP' });
  expect(warning.message).toMatch(/^EVENT_GIVEN_UP, processor mails, position 7, count 2; /);
});

test('of an encrypted store what is wrong with it is told, without what caused it', async () => {
  const detail = { table: 'streams', position: undefined } as const;
  const corrupt = new BusError('STORE_CORRUPT', 'the row of "a" is damaged', detail, { cause: quoting });

  const warning = await warningOf(corrupt, true);

  expect(warning).toMatchObject({ code: 'STORE_CORRUPT', message: corrupt.message, detail });
  expect(inspect(warning, { showHidden: true, depth: 9 })).not.toContain(canary);
});

test('without encryption an error is told as it is', async () => {
  expect(await warningOf(givenUp, false)).toBe(givenUp);
  expect(await warningOf(quoting, false)).toMatchObject({ name: canary, message: `no ${canary}`, code: canary });
});
