/** A hundred processors, ten thousand streams: the page holds what is seen of them, and stays smooth. */
import { expect, test } from 'vitest';
import { tempBus } from '../kit/temp-store.ts';
import { siteOf } from './kit/site.ts';
import { smoothnessDuring } from './kit/smoothness.ts';
import { openPage } from './kit/watched-page.ts';

/** Thirty frames a second on a machine that draws without a graphics card; a good deal less is what people see as stuttering. */
const frameMsMax = 50;
/** Rows that are in the document at a time: a screen full and some around it. */
const rowsMax = 120;

test('ten thousand streams are scrolled through smoothly, from the first to the last', async () => {
  const bus = await tempBus();
  const names = Array.from({ length: 10_000 }, (_, index) => `order-${String(index).padStart(5, '0')}`);
  for (let from = 0; from < names.length; from += 1000) {
    const part = names.slice(from, from + 1000);
    await bus.appendMany(part.map((stream) => ({ stream, events: { type: 'Placed' } })));
  }
  const url = await siteOf(bus);
  const page = await openPage(url);
  await page.goto(new URL('/streams', url).href);
  await page.getByRole('link', { name: 'order-00000' }).waitFor();

  const { medianMs } = await smoothnessDuring(page, async () => {
    await expect
      .poll(
        async () => {
          await page.mouse.move(700, 600);
          await page.mouse.wheel(0, 100_000);
          return await page.getByRole('link', { name: 'order-09999' }).count();
        },
        { timeout: 40_000, interval: 10 },
      )
      .toBe(1);
  });

  expect(await page.getByRole('row').count()).toBeLessThan(rowsMax);
  expect(medianMs).toBeLessThan(frameMsMax);
});

test('a hundred busy processors are shown smoothly, and each is found', async () => {
  const bus = await tempBus();
  const processors = Array.from({ length: 100 }, (_, index) =>
    bus.processor({ name: `worker-${String(index).padStart(2, '0')}`, handle: () => undefined }),
  );
  for (const processor of processors) processor.start();
  const url = await siteOf(bus);
  const page = await openPage(url);
  await page.getByRole('link', { name: 'worker-00' }).waitFor();

  const { medianMs } = await smoothnessDuring(page, async () => {
    for (let round = 0; round < 30; round++) {
      await bus.append('jobs', { type: 'Queued' });
      await page.mouse.move(700, 600);
      await page.mouse.wheel(0, round < 15 ? 150 : -150);
    }
  });

  expect(await page.getByRole('row').count()).toBeLessThan(rowsMax);
  expect(medianMs).toBeLessThan(frameMsMax);
  await page.getByRole('searchbox', { name: 'Find' }).fill('worker-99');
  await page.getByRole('link', { name: 'worker-99' }).waitFor();
  await expect.poll(() => page.getByRole('link', { name: /^worker-/ }).count()).toBe(1);
});
