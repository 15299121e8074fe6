/**
 * A read model of your own: fold events into what you want to ask, and keep it together with the position it has reached.
 * After a restart it goes on from there.
 */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, openBus } from '#store';

type CartEvent = { type: 'Added'; data: { item: string } } | { type: 'Emptied' };

interface ItemCounts {
  position: number;
  countByItem: Record<string, number>;
}

const directory = mkdtempSync(join(tmpdir(), 'read-model-'));
const file = join(directory, 'item-counts.json');
const bus = await openBus<CartEvent>({ path: join(directory, 'store') });
try {
  await bus.append('cart-1', [added('apple'), added('pear'), { type: 'Emptied' }, added('apple')]);
  console.log('first run ', await catchUp(bus));
  await bus.append('cart-2', [added('pear'), added('plum')]);
  console.log('second run', await catchUp(bus));
} finally {
  await bus.close();
  rmSync(directory, { recursive: true });
}

function added(item: string): CartEvent {
  return { type: 'Added', data: { item } };
}

/** Counts what is new, up to the head of now. To stay and follow: `bus.subscribe({ after: model.position })`. */
async function catchUp(bus: Bus<CartEvent>): Promise<ItemCounts> {
  const model = load();
  for await (const page of bus.read({ from: model.position + 1 }).pages()) {
    for (const event of page) {
      if (event.type === 'Added') model.countByItem[event.data.item] = (model.countByItem[event.data.item] ?? 0) + 1;
      model.position = event.position;
    }
    save(model);
  }
  return model;
}

function load(): ItemCounts {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { position: 0, countByItem: {} };
}

/** The counts and their position change together, or not at all. */
function save(model: ItemCounts): void {
  writeFileSync(`${file}.new`, JSON.stringify(model));
  renameSync(`${file}.new`, file);
}
