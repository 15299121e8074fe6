/** Names, data and errors that hold markup, script and tricks stay what they are: text. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createActor, setup } from 'xstate';
import { tempBus } from '../kit/temp-store.ts';
import { siteOf } from './kit/site.ts';
import { openPage } from './kit/watched-page.ts';

declare global {
  interface Window {
    isOwned?: boolean;
  }
}

const image = '<img src=x onerror="isOwned=true">';
const script = '"><script>isOwned=true</script>';
const link = 'javascript:isOwned=true';
const brace = "{{constructor.constructor('isOwned=true')()}}";
const turned = '\u202e</b>gnp.exe';
const texts = [image, script, link, brace, turned, '../../../etc/passwd', '%2e%2e%2f'];

/** Everything that a user names, or that comes from outside, is one of the texts. */
async function hostileBus() {
  const bus = await tempBus();
  bus.errors$.subscribe();
  for (const text of texts) {
    const data = { [text]: text, list: [text], __html: image, dangerouslySetInnerHTML: { __html: image } };
    await bus.append(text, { type: text, data, metadata: { correlationId: text, [text]: text } });
  }
  const processor = bus.processor({
    name: image,
    handle: () => {
      const error = new Error(image);
      error.name = script;
      error.stack = `${script}\n    at ${image}`;
      throw error;
    },
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
  });
  processor.start();
  const projection = bus.projection({ name: script, version: 1, on: handlersOf(texts) });
  projection.start();
  await Promise.all([processor.caughtUp(), projection.caughtUp()]);
  return bus;
}

function handlersOf(types: readonly string[]) {
  return Object.fromEntries(
    types.map((type) => [
      type,
      (view: { set(key: string, value: unknown): void }, event: { stream: string; data: unknown }) => {
        view.set(event.stream, event.data);
      },
    ]),
  );
}

function hostileActor() {
  const machine = setup({}).createMachine({
    id: image,
    initial: image,
    states: { [image]: { on: { [script]: script } }, [script]: { on: { [link]: image } } },
  });
  return createActor(machine).start();
}

/** Elements that nobody but the page itself may have made. */
async function strangeElements(page: Page): Promise<readonly string[]> {
  return await page.evaluate(() => {
    const isOwn = (element: Element) => element instanceof HTMLScriptElement && element.src.startsWith(location.origin);
    const scripts = [...document.querySelectorAll('script, img, iframe, object, embed, [onerror], [onload], [srcdoc]')];
    const links = [...document.querySelectorAll<HTMLAnchorElement>('a[href]')].filter(
      ({ origin }) => origin !== location.origin,
    );
    return [...scripts.filter((element) => !isOwn(element)), ...links].map((element) => element.outerHTML);
  });
}

test('markup and script in names, data and errors are shown as text, on every page', async () => {
  const bus = await hostileBus();
  const url = await siteOf(bus, { title: image, allowActions: true, machines: [hostileActor()] });
  const page = await openPage(url);
  const image_ = encodeURIComponent(image);
  const shown: string[] = [];

  for (const path of [
    '',
    `processors/${image_}`,
    'streams',
    `streams?prefix=${encodeURIComponent('<')}`,
    ...texts.map((text) => `streams/${encodeURIComponent(text)}`),
    ...texts.map((_, index) => `events/${index + 1}`),
    'tail',
    `dead-letters?processor=${image_}`,
    `dead-letters?processor=${image_}&letter=1`,
    'projections',
    `projections/${encodeURIComponent(script)}`,
    'actors',
    'machines',
    `machines/${image_}`,
  ]) {
    await page.goto(new URL(`/${path}`, url).href);
    await page.getByRole('status', { name: 'Connection' }).getByText('connected').waitFor();
    await expect.poll(() => page.locator('main .loading, main [aria-busy=true]').count()).toBe(0);
    expect({ path, strange: await strangeElements(page) }).toEqual({ path, strange: [] });
    shown.push(await page.locator('body').innerText());
  }

  expect(await page.evaluate(() => window.isOwned)).toBeUndefined();
  expect(shown.join('\n')).toContain(image);
  expect(shown.join('\n')).toContain(script);
});
