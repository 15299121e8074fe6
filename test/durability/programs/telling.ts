/**
 * A bus at work that tells others of itself: a processor, one with partitions, one in a thread, one that fails with what an event holds.
 *
 * Says `ready` once all are where they are to be. Then takes lines: `append`, `close`, and says `did append` … What is reported on its
 * bus, it prints.
 */
import { chmodSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { type BusError, openBus } from '#store';
import { canaryKey } from '../../kit/canary-store.ts';

export interface TellingOptions {
  readonly path: string;
  readonly inline: boolean;
  readonly isEncrypted: boolean;
  /** What the events hold. */
  readonly secret: string;
  /** Becomes a user without rights once the bus is open. @default false */
  readonly isNobody?: boolean;
}

const { path, inline, isEncrypted, secret, isNobody } = JSON.parse(process.argv[2] as string) as TellingOptions;
const encryption = isEncrypted ? { masterKey: canaryKey } : undefined;
const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bus = await openBus({ path, inline, encryption, logger });
bus.errors$.subscribe((error) => {
  const { code, detail } = error as BusError;
  writeSync(1, `${JSON.stringify({ code, detail })}\n`);
});
if (isNobody) {
  // What is open stays so, and nothing can be made any more.
  for (const directory of [path, dirname(path)]) chmodSync(directory, 0o755);
  process.setgroups?.([]);
  process.setgid?.(65534);
  process.setuid?.(65534);
}
const event = { type: 'told', data: { act: 'nothing', text: secret } };
for (let at = 0; at < 6; at++) await bus.append(`stream-${at}`, [event, event]);
const retry = { attempts: 1000, minMs: 40, maxMs: 40 };
const handle = () => undefined;
const handler = new URL('../../actors/handler-modules/scripted.ts', import.meta.url);
const good = [
  bus.processor({ name: 'good', handle }),
  bus.processor({ name: 'parted', partitions: 3, handle }),
  // Its thread could not open the store any more.
  ...(isNobody ? [] : [bus.processor({ name: 'threaded', handler })]),
];
const failing = bus.processor<'told'>({
  name: 'failing',
  retry,
  handle: ({ data }) => {
    throw Object.assign(new TypeError(`no ${(data as { text: string }).text}`), {
      code: (data as { text: string }).text,
    });
  },
});
for (const processor of [...good, failing]) processor.start();
for (const processor of good) await processor.caughtUp();
await failing.waitFor('retrying');
writeSync(1, 'ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'append') await bus.append('later', event);
  if (line === 'close') await bus.close();
  writeSync(1, `did ${line}\n`);
}
