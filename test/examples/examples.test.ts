/** Every example runs, and prints what its text says. */
import { expect, test } from 'vitest';
import { linesOf, startExample } from '../cli/child-program.ts';
import { tempDirectory } from '../kit/temp-store.ts';

/** The lines an example prints, run in `directory`, where it must end well and complain of nothing. */
async function outputOf(name: string, directory = tempDirectory()): Promise<string[]> {
  const { code, stdout, stderr } = await startExample(name, [], { directory, env: { TMPDIR: directory } }).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return linesOf(stdout);
}

test('the quickstart reads what it appended, and finds it again when it is run twice', async () => {
  const directory = tempDirectory();

  const first = await outputOf('quickstart.ts', directory);
  const second = await outputOf('quickstart.ts', directory);

  const history = ["1 Placed { item: 'lamp', quantity: 2 }", "2 Shipped { carrier: 'pigeon' }"];
  expect(first).toEqual([...history, expect.stringMatching(/^event 2: order-\d+ left by pigeon$/)]);
  expect(second).toEqual([...history, first[2], expect.stringMatching(/^event 4: order-\d+ left by pigeon$/)]);
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

test('a read model goes on where it was', async () => {
  const lines = await outputOf('read-model.ts');

  expect(lines).toEqual([
    'first run  { position: 4, countByItem: { apple: 2, pear: 1 } }',
    'second run { position: 6, countByItem: { apple: 2, pear: 2, plum: 1 } }',
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
