/**
 * A process that only reads: follows a store live, whoever writes it, and writes down every event it ever saw.
 *
 * One line for each page: the first position and the ids, in one write(2). Ends with an error at the first gap, of positions
 * or of the versions of a stream. Waits for the store to be made. Says `following` once it is open.
 */
import { openSync, writeSync } from 'node:fs';
import { type Bus, isBusError, openBus } from '#store';

export interface FollowerOptions {
  readonly path: string;
  /** The file it writes. */
  readonly seen: string;
  /** Ends when it has seen this position; otherwise only when it is killed. */
  readonly until?: number;
}

const options = JSON.parse(process.argv[2] as string) as FollowerOptions;

async function openWhenThere(): Promise<Bus> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openBus({ path: options.path, readOnly: true });
    } catch (error) {
      const isComing = isBusError(error, 'STORE_NOT_FOUND') || isBusError(error, 'STORE_READ_ONLY');
      if (!isComing || attempt === 20_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

const bus = await openWhenThere();
const seen = openSync(options.seen, 'a');
writeSync(1, 'following\n');
let last = 0;
const versions = new Map<string, number>();
for await (const page of bus.subscribe().pages()) {
  for (const { position, stream, version } of page) {
    const before = versions.get(stream) ?? 0;
    if (position !== last + 1) throw new Error(`position ${position} came after ${last}`);
    if (version !== before + 1) throw new Error(`version ${version} of ${stream} came after ${before}`);
    last = position;
    versions.set(stream, version);
  }
  writeSync(seen, `${JSON.stringify([page[0]?.position, page.map(({ id }) => id)])}\n`);
  if (options.until !== undefined && last >= options.until) break;
}
await bus.close();
