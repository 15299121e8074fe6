/** `varvebus ui`: who gets in, what it shows, and how it ends. What its pages look like is for the tests in a browser. */
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { linesOf, runCli, startCli } from './child-program.ts';
import { storeOf } from './store-fixture.ts';

/** The status of `path` beside the address that was printed, with the cookie that it was exchanged for, or without. */
async function visit(url: string) {
  const login = await fetch(url, { redirect: 'manual' });
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const statusOf = async (path: string, init: RequestInit = {}) => (await fetch(new URL(path, url), init)).status;
  return { cookie, statusOf };
}

test.each([
  ['SIGINT', []],
  ['SIGTERM', ['--json']],
] as const)('ui prints an address that is good once, on this machine, until %s', async (signal, more) => {
  const directory = await storeOf(['orders', { type: 'Placed' }]);
  const cli = startCli('ui', directory, ...more);
  const [line = ''] = await cli.untilLines(1);
  const url: string = more.length > 0 ? JSON.parse(line).url : line;

  const { cookie, statusOf } = await visit(url);

  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login\?token=[\w-]{43}$/);
  expect(await statusOf('/', { headers: { cookie } })).toBe(200);
  expect(await statusOf('/api/events/1', { headers: { cookie } })).toBe(200);
  expect(await statusOf('/api/events/1')).toBe(401);
  expect(await statusOf(url, { redirect: 'manual' })).toBe(401);
  cli.child.kill(signal);
  const { code, stdout, stderr } = await cli.ended;
  expect({ code, stderr, lines: linesOf(stdout) }).toEqual({ code: 0, stderr: '', lines: [line] });
});

test('ui takes no orders', async () => {
  const directory = await storeOf(['orders', { type: 'Placed' }]);
  const cli = startCli('ui', directory);
  const [url = ''] = await cli.untilLines(1);
  const { cookie } = await visit(url);

  const answer = await fetch(new URL('/api/processors/mails/reset', url), {
    method: 'POST',
    headers: { cookie, 'x-varvebus': '1', 'content-type': 'application/json' },
    body: JSON.stringify({ to: 0 }),
  });

  expect(answer.status).toBe(403);
});

test('ui --port listens there, and tells when the port is taken', async () => {
  const directory = await storeOf(['orders', { type: 'Placed' }]);
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };

  const { code, stdout, stderr } = await runCli('ui', directory, '--port', String(port));

  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toContain('EADDRINUSE');
});
