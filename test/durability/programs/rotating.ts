/**
 * Appends an event, begins to rotate the master key, and kills itself before or after the commit that tells the log of it.
 */
import { writeSync } from 'node:fs';
import { busOn } from '#actors/open-bus';
import { storeOn } from '#actors/open-store';
import { resolveOptions } from '#actors/options';
import { unlockKeys } from '#actors/store-keys';
import { initialMetaRows } from '#kernel/log/store-meta';
import { KeyFileStorage } from '#kernel/storage/key-storage';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';

const [directory = '', when, first = '', second = ''] = process.argv.slice(2);
const encryption = { masterKey: Buffer.from(first, 'hex') };
const resolved = resolveOptions({ path: directory, inline: true, encryption });
const keys = await unlockKeys(new KeyFileStorage({ directory }), resolved.encryption, undefined);
const engine = await openLmdbEngine({ ...resolved, directory, initialRows: initialMetaRows('sync', 0) });
let isRotating = false;
const { commit } = engine;
engine.commit = (writes) => {
  if (isRotating && when === 'before') die();
  commit.call(engine, writes);
  if (isRotating) die();
};
const bus = await busOn(async (events) => storeOn(engine, resolved, events, keys), resolved);
await bus.append('a', { type: 'x', data: 'before' });
isRotating = true;
writeSync(1, 'rotating\n');
await bus.rotateMasterKey(Buffer.from(second, 'hex'));

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}
