/** The package as a CommonJS user has it: Node 22.18 and later can require() an ES module. Run with an empty directory. */
const assert = require('node:assert/strict');
const { openBus } = require('varvebus');

async function main() {
  const bus = await openBus({ path: process.argv[2] });
  await bus.append('orders', { type: 'Placed', data: { n: 1 } });

  const events = [];
  for await (const event of bus.read()) events.push(event);
  await bus.close();

  assert.equal(events.length, 1);
  assert.equal(events[0].data.n, 1);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
