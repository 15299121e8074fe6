/** Dead letters on the page: looked into, and tried again by a click. */
import { expect, test } from 'vitest';
import { tempBus } from '../kit/temp-store.ts';
import { siteOf } from './kit/site.ts';
import { openPage } from './kit/watched-page.ts';

test('letters that were looked for in vain so far can be looked for further', async () => {
  const bus = await tempBus();
  bus.processor({ name: 'mails', handle: () => undefined }).start();
  const page = await openPage(await siteOf(bus, {}));
  const letter = { state: 'dead', stream: 's', type: 'Rare', attempts: 1, firstMs: 1, lastMs: 1, parkedBehind: 0 };
  await page.route('**/letters?*', (route) => {
    const isFirst = !new URL(route.request().url()).searchParams.has('after');
    const letters = isFirst ? [] : [{ ...letter, position: 70_000, isParked: false }];
    return route.fulfill({ json: isFirst ? { letters, next: 60_000 } : { letters } });
  });

  await page.getByRole('link', { name: 'Dead letters' }).click();
  await page.getByText('Looked through up to 60,000.').waitFor();
  await page.getByRole('button', { name: 'Look further' }).click();

  await page.getByRole('row').getByText('Rare').first().waitFor();
});

test('a dead letter tells why it is one, and is handled after a click on retry', async () => {
  const bus = await tempBus();
  bus.errors$.subscribe();
  let isKnown = false;
  const processor = bus.processor({
    name: 'mails',
    handle: () => {
      if (!isKnown) throw new Error('nobody lives there');
    },
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
  });
  await bus.append('letters', { type: 'Written', data: { to: 'Ada' } });
  processor.start();
  await processor.caughtUp();
  const url = await siteOf(bus, { allowActions: ['retry-letters'] });
  const page = await openPage(url);

  await page.getByRole('link', { name: 'Dead letters' }).click();
  await page.getByRole('row').getByText('nobody lives there').first().waitFor();
  await page.goto(new URL('/dead-letters?processor=mails&letter=1', url).href);
  const letter = page.getByRole('region', { name: 'The letter' });
  await letter.getByText('"Ada"').waitFor();
  expect(await letter.getByRole('region', { name: 'Stack' }).textContent()).toContain('dead-letters.test.ts');
  expect(await page.getByRole('button', { name: 'Discard' }).count()).toBe(0);

  isKnown = true;
  await letter.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();

  await page.getByText('mails has given nothing up.').waitFor();
  expect(processor.status.context).toMatchObject({ replayed: 1 });
});
