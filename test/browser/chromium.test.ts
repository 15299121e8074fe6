/** The kit of these tests: it finds a browser or says how to get one, and a page that misbehaves does not pass. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { chromiumPath } from './kit/chromium.ts';
import { watch } from './kit/watch.ts';
import { openPage } from './kit/watched-page.ts';

test('without a browser the tests fail, and say how to install one', () => {
  expect(() => chromiumPath({ PATH: '/nowhere' })).toThrow(/apt-get install chromium/);
  expect(() => chromiumPath({ CHROMIUM: '/nowhere/chromium' })).toThrow(/CHROMIUM names \/nowhere\/chromium/);
});

test('the browser is the one that CHROMIUM names, otherwise one on the PATH', () => {
  expect(chromiumPath({ PATH: '/nowhere', CHROMIUM: process.execPath })).toBe(process.execPath);
  expect(chromiumPath(process.env)).toMatch(/chrom/);
});

test('an error on the console, an error of the script and a request to another origin are seen', async () => {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<link rel="icon" href="data:,"><p>well</p>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const page = await openPage(`http://127.0.0.1:${port}/`, { mayComplain: /./ });
  const complaints = watch(page, `http://127.0.0.1:${port}`);

  await page.evaluate(() => {
    console.error('told');
    setTimeout(() => {
      throw new Error('thrown');
    });
    void fetch('http://127.0.0.1:9/away').catch(() => undefined);
  });

  await expect.poll(() => complaints.join('\n')).toMatch(/console: told/);
  await expect.poll(() => complaints.join('\n')).toMatch(/script: .*thrown/);
  await expect.poll(() => complaints.join('\n')).toMatch(/request to http:\/\/127\.0\.0\.1:9\/away/);
});
