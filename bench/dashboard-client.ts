/**
 * Follows the overview of a dashboard, as its page does: a process of its own, started by dashboard.ts with the address. Tells
 * its parent of the first frame, and goes on until it is killed.
 */
const [, , address] = process.argv;
if (address === undefined) throw new TypeError('an address is missing');

const login = await fetch(address, { redirect: 'manual' });
const cookie = login.headers
  .getSetCookie()
  .map((text) => text.split(';')[0])
  .join('; ');
const live = await fetch(new URL('api/live?topic=store&topic=processors', address), { headers: { cookie } });
if (!live.ok || live.body === null) throw new Error(`the dashboard answered ${live.status}`);
let isTold = false;
for await (const _ of live.body) {
  if (!isTold) process.send?.('live');
  isTold = true;
}
