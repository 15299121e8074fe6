import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { ThreadSections } from '#actors/thread-sections';

test('an end waits until the threads are outside', async () => {
  const sections = new ThreadSections();
  sections.begin(7);
  let isEnded = false;

  const ended = sections.whileOutside([7], 10_000, () => {
    isEnded = true;
    return 'ended';
  });
  await delay(20);
  expect(isEnded).toBe(false);
  sections.leave(7);

  expect(await ended).toBe('ended');
});

test('an end does not wait for a thread that stays inside for longer than it was told', async () => {
  const sections = new ThreadSections();
  sections.begin(7);

  expect(await sections.whileOutside([7], 30, () => 'ended')).toBe('ended');
});

test('a thread does not go in while another one is being ended, and goes on afterwards', async () => {
  const sections = new ThreadSections();
  const module = JSON.stringify(new URL(import.meta.resolve('#actors/thread-sections')).href);
  const worker = new Worker(
    `import { parentPort, threadId, workerData } from 'node:worker_threads';
     const { ThreadSections } = await import(${module});
     const sections = new ThreadSections(workerData);
     for (let count = 0; ; count++) {
       sections.enter(threadId);
       Atomics.add(new Int32Array(workerData), 1000, 1);
       sections.leave(threadId);
     }`,
    { eval: true, workerData: sections.memory, execArgv: ['--input-type=module'] },
  );
  onTestFinished(async () => {
    await worker.terminate();
  });
  const counts = new Int32Array(sections.memory);
  const entries = () => Atomics.load(counts, 1000);
  await expect.poll(entries).toBeGreaterThan(100);

  const [before, after] = await sections.whileOutside([worker.threadId], 10_000, async () => {
    const first = entries();
    await delay(30);
    return [first, entries()];
  });

  expect(after).toBe(before);
  await expect.poll(entries).toBeGreaterThan(after as number);
});
