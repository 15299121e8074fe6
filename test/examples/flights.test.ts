/** The demo: what it prints, that a second run writes nothing twice, that it cleans up, and that it would notice a wrong figure. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openBus } from '#store';
import { type Ended, linesOf, startExample } from '../cli/child-program.ts';
import { copyStore } from '../kit/copy-store.ts';
import { tempDirectory } from '../kit/temp-store.ts';

const demo = 'flights/demo.ts';

const made = mkdtempSync(join(tmpdir(), 'varvebus-flights-'));
afterAll(() => rmSync(made, { recursive: true, force: true }));
let making: Promise<Ended> | undefined;

/**
 * A copy of a store that the demo has kept, interrupted once, and what the run printed that went on there: it takes
 * seconds, so there is one for all tests.
 */
async function keptStore(): Promise<{ readonly first: Ended; readonly directory: string }> {
  const whole = join(made, 'kept');
  making ??= interruptedAndGoneOn(whole);
  const first = await making;
  const directory = join(tempDirectory(), 'copy');
  copyStore(whole, directory);
  return { first, directory };
}

async function interruptedAndGoneOn(directory: string): Promise<Ended> {
  const run = startExample(demo, ['--keep', directory]);
  await expect.poll(() => run.stderr, { timeout: 20_000 }).toContain('appended');
  run.child.kill('SIGINT');
  await run.ended;
  return startExample(demo, ['--json', '--keep', directory]).ended;
}

test('the demo shows its figures, how its processors fare, and everything it has proved, and leaves nothing behind', async () => {
  const temporary = tempDirectory();

  const { code, stdout, stderr } = await startExample(demo, [], { env: { TMPDIR: temporary } }).ended;

  expect(code).toBe(0);
  expect(stdout).toMatch(/^append {3}20,000 events in 1,784 appends, .* [\d,]+ events\/s$/m);
  expect(stdout).toMatch(/^scan {5}20,000 events .* [\d,]+ events\/s$/m);
  expect(stdout).toMatch(/^size {5}.* 220 streams +\d+ bytes\/event$/m);
  expect(stdout).toMatch(/^ {2}airport {2}flights {2}minutes\n {2}JFK {10}200 {5}16\.2$/m);
  expect(stdout).toContain('290 flights were more than 120 minutes late.');
  expect(stdout).toMatch(/^query {4}the longest routes from 220 airports, by \d threads .* \d+ ms$/m);
  expect(stdout).toMatch(/^ {2}airport {2}flights {2}to {7}miles\n {2}DFW {8}1,103 {2}HNL {6}3,784$/m);
  expect(stdout).toMatch(/^ {2}late-alerts {7}live {5}20,000 +\d+$/m);
  expect(stdout).toContain('At alert 145 it did not answer');
  expect(stdout.match(/^✓/gm)).toHaveLength(9);
  expect(stdout).not.toContain('✗');
  const isProgress = (line: string) => line.startsWith('appended');
  const progress = linesOf(stderr).filter(isProgress);
  expect(progress).toHaveLength(4);
  expect(progress.at(-1)).toBe('appended 20,000 of 20,000 flights  2001/03/31');
  const changes = linesOf(stderr).filter((line) => !isProgress(line));
  expect(changes.length).toBeLessThan(30);
  for (const line of changes) expect(line).toMatch(/^(delay-statistics|late-alerts) {2,}\S+ → \S+ +at [\d,]+$/);
  const alerting = changes.filter((line) => line.startsWith('late-alerts')).join(' ');
  expect(alerting).toMatch(/→ retrying.*→ stopped.*stopped →.*→ live.*live → stopped/);
  expect(readdirSync(temporary)).toEqual([]);
});

test('with --json and --keep the demo prints one object, and a second run appends nothing twice', {
  timeout: 120_000,
}, async () => {
  const { first, directory } = await keptStore();

  const second = await startExample(demo, ['--json', '--keep', directory]).ended;

  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(first.stdout)).toMatchObject({
    events: 20_000,
    streams: 220,
    lateFlights: 290,
    verified: true,
  });
  expect(JSON.parse(first.stdout).topDelays[0]).toEqual({ airport: 'JFK', flights: 200, meanDelay: 16.2 });
  for (const figure of ['eventsPerSecond', 'scanPerSecond', 'bytesPerEvent']) {
    expect(JSON.parse(first.stdout)[figure]).toBeGreaterThan(0);
  }
  for (const { stdout } of [first, second]) {
    const { processors, query } = JSON.parse(stdout);
    expect(processors).toEqual([
      { name: 'delay-statistics', state: 'live', position: 20_000, retries: 0 },
      { name: 'late-alerts', state: 'live', position: 20_000, retries: expect.any(Number) },
    ]);
    expect(processors[1].retries).toBeGreaterThan(0);
    expect(query).toMatchObject({ name: 'longest-routes.ts/longestRoutes', airports: 220, verified: true });
    expect(query.parallel).toBeGreaterThan(0);
    expect(query.milliseconds).toBeGreaterThan(0);
    expect(query.routes).toHaveLength(10);
    expect(query.routes[0]).toEqual({ airport: 'DFW', flights: 1103, destination: 'HNL', distance: 3784 });
  }
  expect(second).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(second.stdout)).toMatchObject({ events: 20_000, appended: 0, duplicates: 20_000, verified: true });
});

test('the demo goes on where an interrupted run stopped', { timeout: 120_000 }, async () => {
  const { first } = await keptStore();

  expect(first.code).toBe(0);
  const { appended, duplicates, verified } = JSON.parse(first.stdout);
  expect(duplicates).toBeGreaterThan(0);
  expect({ total: appended + duplicates, verified }).toEqual({ total: 20_000, verified: true });
});

test('a store that differs from the file makes the demo fail, and it says where', { timeout: 120_000 }, async () => {
  const { directory } = await keptStore();
  const bus = await openBus({ path: directory });
  const data = { date: '2001/04/01 00:00', delay: 121, distance: 1, destination: 'JFK' };
  await bus.append('airport-ATL', { type: 'Departed', data });
  await bus.close();

  const json = await startExample(demo, ['--json', '--keep', directory]).ended;
  const plain = await startExample(demo, ['--keep', directory]).ended;

  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    events: 20_001,
    appended: 0,
    lateFlights: 291,
    verified: false,
    query: { verified: false },
  });
  expect(plain.code).toBe(1);
  expect(plain.stdout).toContain('✗ NOT TRUE: so did the scan\n    flights: 20001 instead of 20000');
  expect(plain.stdout).toMatch(/^✗ NOT TRUE: every late flight was alerted.*\n {4}alert \d+ after the start: .*20001/m);
  expect(plain.stdout).toMatch(/^✗ NOT TRUE: the parallel query .*\n {4}ATL: .*847.* instead of .*846/m);
  expect(plain.stdout).toContain('both began at the beginning of the store again');
});

test('the demo writes nothing to a store of something else', async () => {
  const directory = tempDirectory();
  const bus = await openBus({ path: directory });
  await bus.append('orders', { type: 'Placed' });
  await bus.close();

  const { code, stderr } = await startExample(demo, ['--keep', directory]).ended;

  expect(code).toBe(1);
  expect(stderr).toContain('is of something else: nothing was written to it');
  const after = await openBus({ path: directory, readOnly: true });
  expect(after.head).toBe(1);
  await after.close();
});

test('an interrupted demo removes its temporary store', async () => {
  const temporary = tempDirectory();
  const run = startExample(demo, [], { env: { TMPDIR: temporary } });
  const storeFile = () => readdirSync(temporary).some((name) => existsSync(join(temporary, name, 'log.mdb')));
  await expect.poll(storeFile, { timeout: 20_000, interval: 5 }).toBe(true);

  run.child.kill('SIGINT');
  const { code } = await run.ended;

  expect(code).toBe(130);
  expect(readdirSync(temporary)).toEqual([]);
});
