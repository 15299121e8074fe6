import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { ask, type OwnSite, openSite, type Site, sendRaw } from '../kit/dashboard-site.ts';
import { tempBus } from '../kit/temp-store.ts';

async function site(options: Parameters<typeof openSite>[1] = { allowActions: true }): Promise<OwnSite> {
  return openSite(await tempBus(), options);
}

async function statusWith(one: Site, path: string, headers: Record<string, string | string[]>): Promise<number> {
  return (await one.ask(path, { headers })).status;
}

test.each([
  'evil.example',
  'evil.example:80',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '127.evil.example',
  'evil-localhost',
  '192.168.1.1',
  '0.0.0.0',
  '[::]',
  '127.0.0.1@evil.example',
  'evil.example#127.0.0.1',
  '127.0.0.1/evil',
])('a name that points here does not get in: Host %j', async (host) => {
  const one = await site();
  for (const path of ['/', '/api/streams', '/api/live?topic=store', '/login?token=x', '/assets/x.js']) {
    expect([400, 403]).toContain(await statusWith(one, path, { host }));
  }
});

test.each(['127.0.0.1', 'localhost', 'LOCALHOST:1234', 'app.localhost', '[::1]:80', '127.0.0.2', 'localhost.'])(
  'this machine is known by its own names: Host %j',
  async (host) => {
    expect(await statusWith(await site(), '/api/streams', { host })).toBe(200);
  },
);

test('two headers Host are refused, and so is none', async () => {
  const { port, cookie } = await site();
  const two = await sendRaw(
    port,
    `GET /api/streams HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\nCookie: ${cookie}\r\n\r\n`,
  );
  expect(two).toMatch(/^HTTP\/1\.1 400 /);
  expect(await sendRaw(port, 'GET / HTTP/1.1\r\nHost: \r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await sendRaw(port, 'GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await sendRaw(port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await sendRaw(port, 'GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 404 /,
  );
});

test.each([
  { origin: 'http://evil.example' },
  { origin: 'null' },
  { origin: 'http://127.0.0.1:1' },
  { origin: 'http://localhost' },
  { origin: 'file://' },
  { origin: '' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'odd' },
])('a page of another origin reads and orders nothing, cookie or not: %j', async (headers) => {
  const one = await site();
  for (const path of ['/api/streams', '/api/live?topic=store', '/api/events']) {
    const answer = await one.ask(path, { headers });
    expect(answer.status).toBe(403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  }
  expect((await one.order('/api/processors/x/start', {}, headers)).status).toBe(403);
});

test('the page itself gets in, from its own origin', async () => {
  const one = await site();
  const headers = {
    origin: `http://127.0.0.1:${one.port}`,
    host: `127.0.0.1:${one.port}`,
    'sec-fetch-site': 'same-origin',
  };
  expect(await statusWith(one, '/api/streams', headers)).toBe(200);
  expect((await one.order('/api/processors/x/start', {}, headers)).status).toBe(404);
});

test('without the cookie nothing is read, followed or ordered', async () => {
  const one = await site();
  const stranger = { headers: { cookie: '' } };
  for (const path of ['/api/streams', '/api/live?topic=store', '/api/events/1', '/api/charts/processor', '/api/none']) {
    expect((await one.ask(path, stranger)).status).toBe(401);
  }
  expect((await one.order('/api/processors/x/start', {}, { cookie: '' })).status).toBe(401);
  const page = await one.ask('/', stranger);
  expect(page.status).toBe(401);
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
});

test('a token is good once, for a day, and one that was made up never', async () => {
  const one = await site();
  const path = one.board.login();
  expect((await ask(one.port, path, { method: 'HEAD' })).status).toBe(401);
  const first = await ask(one.port, path);
  expect(first.status).toBe(303);
  const cookie = first.headers['set-cookie']?.[0] ?? '';
  expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
  expect((await ask(one.port, path)).status).toBe(401);
  for (const wrong of ['/login', '/login?token=', '/login?token=x', `/login?token=${'A'.repeat(43)}`]) {
    const answer = await ask(one.port, wrong);
    expect(answer.status).toBe(401);
    expect(answer.headers['set-cookie']).toBeUndefined();
  }
});

test('the cookie of another start, or of another dashboard, is good for nothing', async () => {
  const bus = await tempBus();
  const before = await openSite(bus);
  await before.board.close();
  const now = await openSite(bus);
  expect(now.cookie?.split('=')[0]).toBe(before.cookie?.split('=')[0]);
  expect(await statusWith(now, '/api/streams', { cookie: before.cookie as string })).toBe(401);
  const other = await site();
  expect(await statusWith(other, '/api/streams', { cookie: now.cookie as string })).toBe(401);
  const name = now.cookie?.split('=')[0];
  expect(await statusWith(now, '/api/streams', { cookie: `${name}=; ${name}=x; ${name}` })).toBe(401);
  expect(await statusWith(now, '/api/streams', { cookie: `a=b; ${now.cookie};c` })).toBe(200);
});

test('an order needs its header, and JSON', async () => {
  const one = await site();
  const path = '/api/processors/x/start';
  expect((await one.order(path, {}, { 'x-varvebus': '' })).status).toBe(403);
  expect((await one.order(path, {}, { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await one.order(path, {}, { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
  expect((await one.order(path, [])).status).toBe(400);
  const headers = { 'x-varvebus': '1', 'content-type': 'application/json' };
  for (const body of ['', '{', 'null', '1', '"x"', '\xff']) {
    expect((await one.ask(path, { method: 'POST', headers, body })).status).toBe(400);
  }
  expect((await one.order(path, JSON.parse('{"__proto__":{"to":1}}'))).status).toBe(404);
});

test('no other method does anything, whatever a header says it means', async () => {
  const one = await site();
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'HEAD', 'PROPFIND']) {
    const answer = await one.ask('/api/streams', { method });
    expect([method, answer.status]).toEqual([method, 405]);
    expect(answer.headers['access-control-allow-methods']).toBeUndefined();
  }
  expect((await one.ask('/', { method: 'POST' })).status).toBe(405);
  expect((await one.ask('/', { method: 'OPTIONS' })).status).toBe(405);
  expect((await one.ask('/', { method: 'HEAD' })).text).toBe('');
  const override = { 'x-http-method-override': 'POST', 'x-method-override': 'POST', 'x-varvebus': '1' };
  expect(await statusWith(one, '/api/processors/x/start?_method=POST', override)).toBe(404);
});

test.each([
  '/../package.json',
  '/../../etc/passwd',
  '/assets/../../package.json',
  '/assets/../index.html',
  '/assets/..%2f..%2fpackage.json',
  '/assets/%2e%2e/%2e%2e/package.json',
  '/assets/%2e%2e%2f%2e%2e%2fpackage.json',
  '/assets/..%5c..%5cpackage.json',
  '/assets/..\\..\\package.json',
  '/assets/%00',
  '/assets/x%00.js',
  '/assets//etc/passwd',
  '//etc/passwd',
  '/assets/%252e%252e/package.json',
  '/assets/%',
  '/assets/%zz',
  '/assets/%c0%ae%c0%ae/package.json',
  '/index.html',
  '/charts/processor.json',
  '/assets/',
  '/assets/constructor',
  '/assets/__proto__',
  '/api/charts/..%2f..%2f..%2fpackage.json',
  '/api/charts/__proto__',
  '/api/__proto__',
  '/api/constructor',
  '/api//',
  '/api/streams/..',
])('no path leads out of the files of the page: %s', async (path) => {
  const one = await site();
  const { status, text } = await one.ask(path);
  expect([400, 404]).toContain(status);
  expect(text).not.toContain('"name": "varvebus"');
  expect(text).not.toContain('root:');
});

test('what is too large is refused: a URL, a header, a body', async () => {
  const one = await site();
  expect((await one.ask(`/api/streams?prefix=${'x'.repeat(9000)}`)).status).toBe(414);
  expect((await one.ask('/api/streams', { headers: { 'x-large': 'x'.repeat(20_000) } })).status).toBe(431);
  const large = await one.order('/api/processors/x/start', { reason: 'x'.repeat(70_000) });
  expect(large.status).toBe(413);
  expect(large.headers.connection).toBe('close');
  expect((await one.ask(`/api/streams?prefix=${'%C3%A4'.repeat(512)}`)).status).toBe(200);
});

test.each(['prefix=a&prefix=b', 'limit=0', 'limit=-1', 'limit=x', 'limit=1e9', 'prefix=%ff%fe&limit='])(
  'a query that makes no sense is refused or harmless: %s',
  async (query) => {
    const { status } = await (await site()).ask(`/api/streams?${query}`);
    expect([200, 400]).toContain(status);
  },
);

test('a body that never ends is not waited for without end', async () => {
  const { port, cookie } = await site();
  const head = `POST /api/processors/x/start HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\nx-varvebus: 1\r\ncontent-type: application/json\r\n`;
  const endless = connect(port, '127.0.0.1');
  let isClosed = false;
  endless.on('close', () => {
    isClosed = true;
  });
  endless.on('error', () => undefined);
  endless.write(`${head}transfer-encoding: chunked\r\n\r\n`);
  let answer = '';
  endless.on('data', (chunk) => {
    answer += chunk.toString();
  });
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  while (!isClosed) {
    endless.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
});

test('one request is never taken for two', async () => {
  const { port, cookie } = await site();
  const start = `POST /api/processors/x/start HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\nx-varvebus: 1\r\ncontent-type: application/json\r\n`;
  const smuggled = `GET /api/streams HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\n\r\n`;
  const attempts = [
    `${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${start}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${smuggled}`,
    `${start}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}${smuggled}`,
    `${start}Content-Length: 2, 60\r\n\r\n{}${smuggled}`,
    `${start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${start}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    `${start}Transfer-Encoding:\r\n chunked\r\nContent-Length: 2\r\n\r\n{}${smuggled}`,
    `${start}Content-Length: +2\r\n\r\n{}${smuggled}`,
    `${start}Content-Length : 2\r\n\r\n{}${smuggled}`,
    `${start}X-A: b\n\nContent-Length: 2\r\n\r\n{}${smuggled}`,
    `GET /api/streams HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Fold: a\r\n b\r\nCookie: ${cookie}\rX: y\r\n\r\n`,
  ];
  for (const attempt of attempts) {
    const answer = await sendRaw(port, attempt);
    expect(answer.match(/HTTP\/1\.1 \d+/g)?.slice(0, 1)).toEqual(['HTTP/1.1 400']);
    expect(answer).not.toContain('"streams"');
  }
});

test('nothing an answer carries is HTML, and every answer says what a browser may do with it', async () => {
  const one = await site();
  await one.ask('/api/streams');
  for (const path of [
    '/',
    '/api/streams',
    '/api/none',
    '/streams/%3Cscript%3E',
    '/login?token=%3Cscript%3E',
    '/none',
  ]) {
    const { headers, text } = await one.ask(path);
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(text).not.toContain('<script>');
    if (headers['content-type'] !== 'text/html; charset=utf-8') continue;
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=|<style/);
  }
});

test('a title is text, whatever it is', async () => {
  const one = await site({ title: '</title><script>alert(1)</script>$&"' });
  const { text } = await one.ask('/');
  expect(text).toContain('<title>&#60;/title&#62;&#60;script&#62;alert(1)&#60;/script&#62;$&#38;&#34;</title>');
});
