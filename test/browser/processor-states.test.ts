/** A processor in trouble, on the page: each of its states, soon after it is entered, and a click that gets it out. */
import { expect, test } from 'vitest';
import type { Processor } from '#store';
import { tempBus } from '../kit/temp-store.ts';
import { notedTexts, noteTexts, type SeenText } from './kit/seen-texts.ts';
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
    retry: { attempts: 1, minMs: 800, maxMs: 800, jitter: 0 },
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

/** The states it enters, in the words of the page, with the time by the clock of this process. */
function noteStates(processor: Processor): readonly SeenText[] {
  const entered: SeenText[] = [];
  processor.state$.subscribe(({ state }) => {
    const text = state.replaceAll('-', ' ');
    if (entered.at(-1)?.text !== text) entered.push({ text, atMs: performance.timeOrigin + performance.now() });
  });
  return entered;
}

/** The first that is `text`, from `atMs` on; it may have been left again by now. */
async function untilSeen(text: string, atMs: number, seen: () => readonly SeenText[] | Promise<readonly SeenText[]>) {
  const found = async () => (await seen()).find((one) => one.text === text && one.atMs >= atMs);
  await expect.poll(found, { message: `${text} is seen` }).toBeDefined();
  return (await found()) as SeenText;
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
  let lastMs = 0;
  const seen = async (text: string) => {
    const { atMs } = await untilSeen(text, lastMs, () => entered);
    const shown = await untilSeen(text, atMs, () => notedTexts(page));
    delays.push(shown.atMs - atMs);
    lastMs = atMs;
  };

  processor.start();
  await seen('catching up');
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
