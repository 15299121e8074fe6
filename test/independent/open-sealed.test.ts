/**
 * The written format is enough: a script that knows nothing but docs/format.md opens what the bus has sealed, with Node's
 * crypto and file system alone.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Block } from '#kernel/codec/block';
import { encodePayload } from '#kernel/codec/payload';
import { limits } from '#store';
import { tempDirectory, tempStore } from '../kit/temp-store.ts';

const script = fileURLToPath(new URL('open-sealed.mjs', import.meta.url));
const large = { text: 'x'.repeat(2 * limits.blockBytesMax) };

test('a script that knows only the written format opens sealed events', async () => {
  const masterKey = randomBytes(32);
  const store = tempStore('lmdb');
  const bus = await store.openBus({ encryption: { masterKey } });
  await bus.append('größe', [
    { type: 'first', data: { n: 1 }, metadata: { by: 'ann' } },
    { type: 'joined', id: 'an id in text', data: ['two', 2n], metadata: { by: 'ann' } },
    { type: 'of a person', subject: 'ann', data: { n: 3 } },
    { type: 'joined again', data: 'four' },
    { type: 'too large for others', data: large },
    { type: 'nothing' },
  ]);
  const expected = [{ n: 1 }, ['two', 2n], { n: 3 }, 'four', large, undefined];
  await bus.close();
  const engine = await store.openEngine({ readOnly: true, encryption: { masterKey } });
  const blocks: Block[] = [];
  engine.read((snapshot) =>
    snapshot.walkForward(1, (position, bytes) => {
      blocks.push(new Block(Uint8Array.from(bytes), position, 'whole'));
      return true;
    }),
  );
  const directory = tempDirectory();
  const keyFile = join(directory, 'master');
  writeFileSync(keyFile, masterKey);

  const opened = expected.map((_, index) => {
    const block = blocks.find(({ lastPosition }) => lastPosition > index) as Block;
    const blockFile = join(directory, `block-${block.firstPosition}`);
    writeFileSync(blockFile, block.bytes);
    const given = [blockFile, join(store.directory, 'keys'), keyFile, String(index + 1)];
    return execFileSync(process.execPath, [script, ...given], { encoding: 'utf8' });
  });

  expect(blocks.length).toBeGreaterThan(1);
  expect(opened).toEqual(expected.map((data) => Buffer.from(encodePayload(data, 0, 'data').bytes).toString('hex')));
});
