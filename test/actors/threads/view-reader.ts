/**
 * Reads the projection `looked-at` as fast as it can, in a thread of the process that writes or in a process that only reads, and
 * says once it has begun. In `looked-at` all values are the version of the handlers that set them. Ends at the version `until`, and tells
 * which versions it saw in one page (`mixed` where they differ) and whether the position ever went back.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type Bus, connectBus, openBus } from '#store';

export interface ViewReaderReport {
  readonly seen: readonly string[];
  readonly watched: readonly unknown[];
  readonly pages: number;
  readonly wentBack: boolean;
}

const tell = (line: unknown) =>
  parentPort === null ? process.stdout.write(`${JSON.stringify(line)}\n`) : parentPort.postMessage(line);
const { path, until } = (parentPort === null ? JSON.parse(process.argv[2] as string) : workerData) as {
  path: string;
  until: number;
};
const bus: Bus = parentPort === null ? await openBus({ path, readOnly: true }) : await connectBus(workerData.port);
const view = bus.view<number>('looked-at');
const seen = new Set<string>();
const watched: unknown[] = [];
view.watch('a').subscribe((value) => watched.push(value));
tell('reading');
let pages = 0;
let last = 0;
let wentBack = false;
for (;;) {
  for await (const page of view.range().pages()) {
    const versions = new Set(page.map(({ value }) => value));
    seen.add(versions.size === 1 ? String(page[0]?.value) : 'mixed');
    pages++;
    break;
  }
  const { position } = view;
  wentBack ||= position < last;
  last = position;
  if (view.version === until) break;
}
await view.waitFor(last);
while (watched.at(-1) !== until) await new Promise((resolve) => setTimeout(resolve, 1));
tell({ seen: [...seen], watched, pages, wentBack } satisfies ViewReaderReport);
await bus.close();
