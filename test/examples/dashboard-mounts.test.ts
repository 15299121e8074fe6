/** The examples of a dashboard in other servers: each is reached below its path only, follows, and ends. */
import { expect, test } from 'vitest';
import { linesOf, startExample } from '../cli/child-program.ts';

test.each(['node', 'express', 'fastify', 'hono'])('the dashboard in an app of %s', async (name) => {
  const example = startExample(`dashboard-${name}.ts`, []);
  const [url = ''] = await example.untilLines(1);
  const { origin } = new URL(url);
  const login = await fetch(url, { redirect: 'manual' });
  expect([login.status, login.headers.get('location')]).toEqual([303, '/ops/bus/']);
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const page = await fetch(`${origin}/ops/bus/streams`, { headers: { cookie } });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<base href="/ops/bus/" />');
  const streams = await fetch(`${origin}/ops/bus/api/streams`, { headers: { cookie } });
  expect(await streams.json()).toMatchObject({ streams: [{ stream: 'order-1' }] });
  const live = await fetch(`${origin}/ops/bus/api/live?topic=store`, { headers: { cookie } });
  const frame = await live.body?.pipeThrough(new TextDecoderStream()).getReader().read();
  expect(frame?.value).toContain('retry:');
  expect(await (await fetch(origin)).text()).toBe('the shop\n');
  expect((await fetch(`${origin}/api/streams`, { headers: { cookie } })).status).not.toBe(500);
  example.child.kill('SIGINT');
  const { code, stdout, stderr } = await example.ended;
  expect({ code, stderr, lines: linesOf(stdout) }).toEqual({ code: 0, stderr: '', lines: [url] });
});
