/**
 * Makes the golden store of the current format version: `node --conditions=source test/golden/make.ts`.
 *
 * Run once per format version, when it is released; its files then stay as they are. `log.mdb` is kept compressed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openBus } from '#store';
import { goldenAppends } from './content.ts';

const directory = mkdtempSync(join(tmpdir(), 'varvebus-golden-'));
try {
  for (const appends of goldenAppends) {
    // One bus per session: what the first leaves is in the index, what the last leaves is too, as every clean close does.
    const bus = await openBus({ path: directory, clock: () => Date.UTC(2026, 0, 1) });
    for (const { parts, idempotencyKey } of appends) {
      await bus.appendMany(parts, idempotencyKey === undefined ? {} : { idempotencyKey });
    }
    await bus.close();
  }
  const target = new URL('./format-1/log.mdb.gz', import.meta.url);
  writeFileSync(target, gzipSync(readFileSync(join(directory, 'log.mdb')), { level: 9 }));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
