/** `npm run demo -- --ui`, and `varvebus ui` beside it: what people see first. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startCli } from '../cli/child-program.ts';
import { startFlights } from './kit/flights-demo.ts';
import { openPage } from './kit/watched-page.ts';

test('the demo moves within ten seconds, its own page and one from outside show the same, and Ctrl-C ends it', async () => {
  const demo = await startFlights();
  const cli = startCli('ui', demo.directory);
  const page = await openPage(demo.url);
  const states = new Set<string>();
  const rows = page.getByRole('table', { name: 'Processors' }).getByRole('row');
  await expect
    .poll(
      async () => {
        for (const text of await rows.allInnerTexts())
          states.add(text.match(/^(?:live|retrying|catching up)$/m)?.[0] ?? '');
        return states.size;
      },
      { timeout: 10_000, interval: 50 },
    )
    .toBeGreaterThanOrEqual(3);

  const [url = ''] = await cli.untilLines(1);
  const outside = await openPage(url);
  await outside.getByRole('link', { name: 'archive' }).waitFor();
  await outside.getByText('beside the app, read-only').waitFor();
  for (const name of ['late-alerts', 'crew-duty', 'gate-changes']) {
    await outside.goto(new URL(`/processors/${name}`, url).href);
    await outside.getByText('read-only', { exact: true }).waitFor();
    expect(await outside.getByRole('toolbar').count()).toBe(0);
  }

  for (const one of [page, outside]) await one.context().close();
  expect(await demo.stop()).toBe(0);
  expect(readdirSync(demo.temporary)).toEqual([]);
  cli.child.kill('SIGINT');
  expect(await cli.ended).toMatchObject({ code: 0, stderr: '' });
});
