/**
 * varvebus at work on real data: 20,000 flights appended, followed live by a subscription and two processors, read back,
 * queried in parallel, and checked against the file.
 *
 * Run: npm run demo, or npm run --silent demo -- --json, or with --keep DIR. Exit code 1 when a figure differs, 130 when it
 * was interrupted. With --ui (and --port N) the flights depart until Ctrl-C instead, to be watched on the dashboard.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { demonstrate } from './demonstration.ts';
import { loadFlights } from './flights.ts';
import { runLive } from './live-demo.ts';
import { showProgress, silentProgress } from './progress.ts';
import { grouped, isVerified, reportJson, reportText } from './report-text.ts';
import { stateChanges } from './state-changes.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    keep: { type: 'string' },
    ui: { type: 'boolean' },
    port: { type: 'string', default: '0' },
  },
});
const { json = false, keep, ui = false, port } = values;

const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());

const directory = keep ?? mkdtempSync(join(tmpdir(), 'varvebus-demo-'));
try {
  await (ui ? show() : run());
} catch (error) {
  if (!stop.signal.aborted) throw error;
  // Behind what may be left of the progress bar.
  console.error(process.stderr.isTTY ? '\ninterrupted' : 'interrupted');
  process.exitCode = 130;
} finally {
  if (keep === undefined) rmSync(directory, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const flights = loadFlights();
  if (!json) console.log(`${grouped(flights.length)} US flights of 2001, each an event in the stream of its airport\n`);
  const { update, say } = json ? silentProgress : showProgress(process.stderr, flights.length);

  const report = await demonstrate(flights, {
    directory,
    signal: stop.signal,
    onProgress: update,
    onStatus: stateChanges(say),
  });

  console.log(json ? reportJson(report) : reportText(report));
  if (keep !== undefined && !json) {
    console.log(`The store stays in ${keep}. Look into it: node src/cli/main.ts read ${keep} --limit 3`);
  }
  process.exitCode = isVerified(report) ? 0 : 1;
}

/** Prints where the dashboard is, with --json as one object on a line, and goes on until Ctrl-C. */
async function show(): Promise<void> {
  await runLive({
    directory,
    port: Number(port),
    signal: stop.signal,
    onUrl: (url) => console.log(json ? JSON.stringify({ url, directory }) : uiText(url)),
  });
}

function uiText(url: string): string {
  return `The flights depart: watch them at

  ${url}

What fails does so on purpose. The address is good once; the store is in ${directory}. Ctrl-C ends it.
From outside of the process, read-only: node src/cli/main.ts ui ${directory}`;
}
