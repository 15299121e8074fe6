/** The caller's end of a port, with the test at the other end. */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type CommandBatch, packOutcomes, unpackCommands } from '#actors/command-batch';
import { SharedState } from '#actors/shared-state';
import { WriterPort } from '#actors/writer-port';
import { encodeRequest } from '#kernel/log/append-request';
import type { Outcome } from '#kernel/log/log-writer';

vi.mock('#kernel/limits', async (importOriginal) => ({
  ...(await importOriginal<typeof import('#kernel/limits')>()),
  windowEventsMax: 10,
  packEventsMax: 4,
  writerSilenceMaxMs: 200,
}));

function connected() {
  const { port1: near, port2: far } = new MessageChannel();
  onTestFinished(() => far.close());
  const state = new SharedState();
  const failures: unknown[] = [];
  const port = new WriterPort(near, 'a store', state, { onFailed: (error) => failures.push(error) });
  let unanswered = 0;
  let position = 0;
  far.on('message', (batch: CommandBatch) => {
    unanswered += unpackCommands(batch).length;
  });
  /** Answers `count` of what came. */
  const answer = (count = unanswered) => {
    const outcomes: Outcome[] = Array.from({ length: count }, () => {
      const place = { firstVersion: 1, lastVersion: 1, firstPosition: ++position, lastPosition: position };
      return { results: [{ stream: 'a', ...place, duplicate: false }] };
    });
    unanswered -= count;
    far.postMessage({ kind: 'outcomes', ...packOutcomes(outcomes) });
  };
  const append = () =>
    port.appender.append(
      encodeRequest([{ stream: 'a', events: { type: 'x' } }], {}, 0),
      undefined,
      ([result]) => result,
    );
  return { port, far, state, failures, append, answer, sent: () => unanswered };
}

const failed = { code: 'STORE_FAILED', detail: { path: 'a store' } };

test('no more is on its way than the window holds, and the rest follows as answers come', async () => {
  const { append, answer, sent } = connected();
  const appends = Promise.all(Array.from({ length: 25 }, () => append()));

  await expect.poll(sent).toBe(10);
  await setImmediate();
  expect(sent()).toBe(10);
  answer(3);
  await expect.poll(sent).toBe(10);
  answer();
  await expect.poll(sent).toBe(10);
  answer();
  await expect.poll(sent).toBe(2);
  answer();

  expect((await appends).map((result) => result?.firstPosition)).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
});

test('an end that goes away fails what is unanswered and all that comes', async () => {
  const { append, failures, far, sent } = connected();
  const appended = append();
  await expect.poll(sent).toBe(1);

  far.close();

  await expect(appended).rejects.toMatchObject(failed);
  await expect(append()).rejects.toMatchObject(failed);
  expect(failures).toMatchObject([failed]);
});

test('what was answered before the writer went away has its outcome', async () => {
  const { append, answer, far, sent } = connected();
  const appends = Array.from({ length: 10 }, () => append());
  await expect.poll(sent).toBe(10);

  answer(9);
  far.close();
  const outcomes = await Promise.allSettled(appends);

  expect(outcomes.map(({ status }) => status)).toEqual([...Array.from({ length: 9 }, () => 'fulfilled'), 'rejected']);
});

test('a writer that does not answer is given up, for all threads', async () => {
  const { append, state, failures } = connected();

  await expect(append()).rejects.toMatchObject({
    ...failed,
    cause: { message: expect.stringContaining('no sign of life') },
  });

  expect(state.isGivenUp).toBe(true);
  expect(failures).toHaveLength(1);
});

test('a writer that has answered all is not given up, however long callers take over it', async () => {
  const { append, answer, state, sent } = connected();
  const slow = async () => {
    await append();
    const end = performance.now() + 30;
    while (performance.now() < end);
  };

  const all = Promise.all(Array.from({ length: 10 }, slow));
  await expect.poll(sent).toBe(10);
  answer();
  await all;

  expect(state.isGivenUp).toBe(false);
});

test('closing waits for the outcomes of what was appended', async () => {
  const { port, append, answer, far, sent } = connected();
  const appended = append();
  const closed = port.close();
  await expect.poll(sent).toBe(1);

  answer();
  await Promise.all([closed, once(far, 'close')]);

  expect(await appended).toMatchObject({ firstPosition: 1 });
  await expect(append()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
});
