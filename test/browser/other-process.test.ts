/** `varvebus ui` on the store of another process, which has no code for it. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { Program, startCli } from '../cli/child-program.ts';
import { tempDirectory } from '../kit/temp-store.ts';
import { nodeArguments } from '../kit/test-key.ts';
import { openPage } from './kit/watched-page.ts';

/** An app that obeys lines on its standard input: `break`, `mend`, and `append`. */
const app = `
  import { createInterface } from 'node:readline';
  import { openBus } from '#store';
  const bus = await openBus({ path: process.argv[1] });
  bus.errors$.subscribe();
  let isBroken = false;
  const processor = bus.processor({
    name: 'mails',
    handle: () => { if (isBroken) throw new Error('the mail server is down'); },
    retry: { attempts: 1, minMs: 1500, maxMs: 1500, jitter: 0 },
  });
  processor.start();
  console.log('started');
  for await (const line of createInterface(process.stdin)) {
    if (line === 'break') isBroken = true;
    if (line === 'mend') { isBroken = false; processor.resume(); }
    if (line === 'append') await bus.append('mails', { type: 'Written' });
  }
  await bus.close();`;

const chip = (page: Page, text: string) => page.locator('main .chip').first().getByText(text, { exact: true });

test('states of a processor in another process are shown live, and nothing can be ordered', async () => {
  const directory = tempDirectory();
  const writer = new Program([...nodeArguments, '--input-type=module', '--eval', app, directory]);
  await writer.untilLines(1);
  const tell = (line: string) => void writer.child.stdin?.write(`${line}\n`);
  const cli = startCli('ui', directory);
  const [url = ''] = await cli.untilLines(1);
  const page = await openPage(url);
  await page.getByRole('link', { name: 'mails' }).click();

  await chip(page, 'live').waitFor();
  tell('break');
  tell('append');
  await chip(page, 'retrying').waitFor();
  await page.getByText('the mail server is down').first().waitFor();
  await chip(page, 'failed').waitFor();
  expect(await page.getByRole('button', { name: /resume|reset|skip|retry/i }).count()).toBe(0);
  tell('mend');
  await chip(page, 'live').waitFor();
  // A processor that was killed before it ever saved its cursor has left nothing in the store.
  await page.locator('dl div', { hasText: 'Saved position' }).getByText('1', { exact: true }).waitFor();

  writer.child.kill('SIGKILL');
  await page.getByRole('link', { name: 'Overview' }).first().click();
  await page.getByRole('row', { name: /mails/ }).getByText('absent').waitFor();
});
