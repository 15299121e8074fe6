/**
 * Follows the overview of a dashboard, as its page does: a process of its own, started by dashboard.ts, which sends addresses. Each
 * is followed until the dashboard is closed; the first frame of each is told.
 */
process.on('message', (address: string) => void follow(address));

async function follow(address: string): Promise<void> {
  const login = await fetch(address, { redirect: 'manual' });
  const cookie = login.headers
    .getSetCookie()
    .map((text) => text.split(';')[0])
    .join('; ');
  const live = await fetch(new URL('api/live?topic=store&topic=processors', address), { headers: { cookie } });
  if (!live.ok || live.body === null) throw new Error(`the dashboard answered ${live.status}`);
  const reader = live.body.getReader();
  await reader.read();
  process.send?.('live');
  // It ends in the midst of a frame, which is a failure to fetch.
  const read = () => reader.read().catch(() => ({ done: true }));
  while (!(await read()).done) {}
}
