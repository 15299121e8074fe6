/** A thread that opens an engine with the options it is given and tells what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type LmdbEngineOptions, openLmdbEngine } from '#kernel/storage/lmdb-engine';

try {
  const engine = await openLmdbEngine(workerData as LmdbEngineOptions);
  parentPort?.postMessage({ ok: true, blocks: countBlocks() });
  parentPort?.on('message', (message) => {
    if (message === 'close') engine.close();
    parentPort?.postMessage({ ok: true, blocks: message === 'close' ? 0 : countBlocks() });
    if (message === 'close') parentPort?.close();
  });

  function countBlocks(): number {
    let blocks = 0;
    engine.read((snapshot) => {
      snapshot.walkForward(1, () => {
        blocks += 1;
        return true;
      });
    });
    return blocks;
  }
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  parentPort?.postMessage({ ok: false, code, message });
}
