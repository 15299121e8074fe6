/** Every example runs, and prints what its text says. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { linesOf, startExample } from '../cli/child-program.ts';
import { tempDirectory } from '../kit/temp-store.ts';

/** The lines an example prints, run in `directory`, where it must end well and complain of nothing. */
async function outputOf(name: string, directory = tempDirectory()): Promise<string[]> {
  const { code, stdout, stderr } = await startExample(name, [], { directory, env: { TMPDIR: directory } }).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return linesOf(stdout);
}

test('the quickstart handles what it appended, and goes on from there when it is run twice', async () => {
  const directory = tempDirectory();

  const first = await outputOf('quickstart.ts', directory);
  const second = await outputOf('quickstart.ts', directory);

  const history = ["1 Placed { item: 'lamp', quantity: 2 }", "2 Shipped { carrier: 'pigeon' }"];
  expect(first).toEqual([
    ...history,
    'attempt 2: order of event 2 left by pigeon',
    'shipping-notices: live, everything up to event 2 is handled',
  ]);
  expect(second).toEqual([
    ...history,
    'attempt 2: order of event 4 left by pigeon',
    'shipping-notices: live, everything up to event 4 is handled',
  ]);
});

test('optimistic concurrency lets through as many withdrawals as the balance allows', async () => {
  const lines = await outputOf('optimistic-concurrency.ts');

  expect(lines).toEqual([
    'first try: deposited',
    'second try: known, nothing written',
    expect.stringMatching(/^3 of 8 withdrawn after \d+ conflicts, 10 left$/),
  ]);
});

test('a transfer writes both streams or none', async () => {
  const lines = await outputOf('transfer.ts');

  expect(lines).toEqual([
    'first transfer: done',
    'second transfer: refused, ada is at version 2',
    '1 ada Opened',
    '2 ben Opened',
    '3 ada Sent',
    '4 ben Received',
  ]);
});

test('a read model counts each event once, and a better one takes its place', async () => {
  const lines = await outputOf('read-model.ts');

  expect(lines).toEqual([
    'version 1 at 5: apple 2',
    'version 2 at 5:',
    '  cart/ada/apple { count: 1, cents: 50 }',
    '  cart/ben/pear { count: 1, cents: 70 }',
    '  item/apple { count: 2, cents: 100 }',
    '  item/pear { count: 2, cents: 140 }',
    'plums: 1',
    'rebuilt: live at 6, still version 2',
  ]);
});

test('a payment saga cancels what is not paid in time, also when the time was up while nothing ran', async () => {
  const lines = await outputOf('payment-saga.ts');

  expect(lines).toEqual([
    'the program ends; order-3 waits for PaymentTimedOut',
    'order-1: Placed, Paid, Confirmed',
    'order-2: Placed, PaymentTimedOut, Cancelled',
    'order-3: Placed, PaymentTimedOut, Cancelled',
  ]);
});

test('a second process sees what the first one writes', async () => {
  const lines = await outputOf('second-process.ts');

  expect(lines).toEqual([
    'the other process sees reading 1: 20 °C',
    'the other process sees reading 2: 21 °C',
    'the other process sees reading 3: 22 °C',
  ]);
});

test('worker threads sell every seat once, and leave nothing behind', async () => {
  const directory = tempDirectory();

  const lines = await outputOf('worker-threads.ts', directory);

  expect(lines).toEqual([
    expect.stringMatching(/^2100 seats sold, with \d+ conflicts: each version has one winner$/),
    expect.stringMatching(/^\{ \w+: \d+.* \}$/),
  ]);
  expect(readdirSync(directory)).toEqual([]);
});

test('a handler in a worker thread is timed out, while the main thread stays free', async () => {
  const lines = await outputOf('worker-handler.ts');

  expect(lines).toEqual([
    expect.stringMatching(/^given up: the question at position \d$/),
    '84 = 2 * 2 * 3 * 7',
    '1000000 = 2 * 2 * 2 * 2 * 2 * 2 * 5 * 5 * 5 * 5 * 5 * 5',
    '9998200081 = 99991 * 99991',
    '97 = 97',
    expect.stringMatching(/^dead letter at \d: the handler of "factors" took more than 500 ms$/),
    'meanwhile the main thread was free',
  ]);
});

test('a chat shows what was said before and what is said now, once each, and only the newest of what is typed', async () => {
  const lines = await outputOf('chat.ts');

  expect(lines).toEqual([
    "Ann's screen: 1 Ann: Anybody here? | 52 Ben: Yes, me.",
    "Ben's screen: 1 Ann: Anybody here? | 52 Ben: Yes, me. | (not sent, data.text)",
    "Ann saw the last of Ben's 50 letters",
  ]);
});

test('an order workflow goes the ways that its statechart allows, and no other', async () => {
  const lines = await outputOf('order-workflow.ts');

  expect(lines).toEqual([
    'order 1: shipped',
    'order 2: cancelled',
    "refused: an order that is cancelled can't be Shipped",
  ]);
});

test('a person is forgotten in all streams, and in what was made of them', async () => {
  const lines = await outputOf('forget-a-person.ts');

  expect(lines).toEqual([
    'nights of Ada: 3',
    'erased: 2 events, nights-by-guest rebuilt, final: true',
    'nights of Ada: undefined of Ben: 3',
    '1 hotel-sea Booked (erased)',
    "2 hotel-sea Booked { name: 'Ben', nights: 1 }",
    '3 hotel-hill Complained (erased)',
    "4 hotel-hill Booked { name: 'Ben', nights: 2 }",
    'refused: KEY_ERASED',
    'another key: MASTER_KEY_WRONG',
  ]);
});

test('a shop has a dashboard below its own server, for who has the link', async () => {
  const directory = tempDirectory();
  const shop = startExample('dashboard.ts', ['5'], { directory, env: { TMPDIR: directory } });
  const [link = ''] = await shop.untilLines(1);

  const login = await fetch(link, { redirect: 'manual' });
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const page = new URL('/bus/', link);
  const statusOf = async (headers: Record<string, string>) => (await fetch(page, { headers })).status;

  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/bus\/login\?token=[\w-]+$/);
  expect(await (await fetch(new URL('/', link))).text()).toBe('Buy a lamp!\n');
  expect([await statusOf({ cookie }), await statusOf({})]).toEqual([200, 401]);
  const { code, stdout, stderr } = await shop.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(linesOf(stdout)).toEqual([link, '5 lamps sold and shipped']);
  expect(readdirSync(directory)).toEqual([]);
});
