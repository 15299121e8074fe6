/** A processor in trouble, on the page: each of its states, soon after it is entered, and a click that gets it out. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Processor, ProcessorState } from '#store';
import { tempBus } from '../kit/temp-store.ts';
import { notedTexts, noteTexts } from './kit/seen-texts.ts';
import { siteOf } from './kit/site.ts';
import { openPage } from './kit/watched-page.ts';

/** How soon a change is to be on the page. The median of many, so that one of them may meet a busy moment of the machine. */
const shownMsMax = 300;

/** A bus with a backlog and a processor on it that does what it is told. */
async function troubledBus() {
  const bus = await tempBus();
  bus.errors$.subscribe();
  await bus.append(
    'mails',
    Array.from({ length: 5000 }, () => ({ type: 'Written' })),
  );
  let gate = Promise.withResolvers<void>();
  let isBroken = false;
  const processor = bus.processor({
    name: 'mails',
    handle: async () => {
      if (isBroken) throw new Error('the mail server is down');
      await gate.promise;
    },
    retry: { attempts: 1, minMs: 500, maxMs: 500, jitter: 0 },
  });
  return {
    bus,
    processor,
    /** Handlers wait, or go on. */
    hold: () => {
      gate = Promise.withResolvers();
    },
    release: () => gate.resolve(),
    breakDown: () => {
      isBroken = true;
    },
    mend: () => {
      isBroken = false;
    },
  };
}

/** When it entered each state, by the clock of this process. */
function noteStates(processor: Processor): readonly { readonly state: ProcessorState; readonly atMs: number }[] {
  const entered: { state: ProcessorState; atMs: number }[] = [];
  processor.state$.subscribe(({ state }) => {
    if (entered.at(-1)?.state !== state) entered.push({ state, atMs: performance.timeOrigin + performance.now() });
  });
  return entered;
}

/** Resolves when the page shows `state`, and gives how long after the processor entered it. */
async function shownAfterMs(page: Page, entered: ReturnType<typeof noteStates>, state: ProcessorState) {
  await expect.poll(() => entered.at(-1)?.state).toBe(state);
  const word = state.replaceAll('-', ' ');
  await expect.poll(async () => (await notedTexts(page)).at(-1)?.text).toBe(word);
  const shown = (await notedTexts(page)).findLast(({ text }) => text === word);
  return (shown?.atMs ?? Number.NaN) - (entered.at(-1)?.atMs ?? Number.NaN);
}

test('a processor that is catching up, live, retrying and failed is shown so in time, and is resumed by a click', async () => {
  const { bus, processor, hold, release, breakDown, mend } = await troubledBus();
  const url = await siteOf(bus, { allowActions: ['resume'] });
  const page = await openPage(url);
  await page.goto(new URL('/processors/mails', url).href);
  await page.getByRole('heading', { name: 'mails' }).waitFor();
  await noteTexts(page, 'main .chip');
  const entered = noteStates(processor);
  const delays: number[] = [];
  const seen = async (state: ProcessorState) => delays.push(await shownAfterMs(page, entered, state));

  processor.start();
  await seen('catching-up');
  release();
  await seen('live');
  for (let round = 0; round < 3; round++) {
    breakDown();
    await bus.append('mails', { type: 'Written' });
    await seen('retrying');
    await seen('failed');
    mend();
    hold();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await expect.poll(() => processor.status.state).not.toBe('failed');
    release();
    await seen('live');
  }

  expect(delays.toSorted((left, right) => left - right)[delays.length >> 1]).toBeLessThan(shownMsMax);
  expect(processor.status.context.lag).toBe(0);
});
