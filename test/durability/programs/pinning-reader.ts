/**
 * A reader that does what the store's own never do: it holds one snapshot open until it is ended.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { openEnvironment } from '#kernel/storage/lmdb-environment';

const { path } = JSON.parse(process.argv[2] as string) as { readonly path: string };
const environment = openEnvironment({ path, readOnly: true, noSync: false });
const tx = environment.root.useReadTransaction();
writeSync(1, 'pinned\n');
await once(process.stdin.resume(), 'end');
tx.done();
await environment.root.close();
