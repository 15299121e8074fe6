/**
 * A read model in the store: what a projection makes of events is saved together with its position, so that nothing is
 * counted twice or left out, whatever crashes. A better version is built beside the old one, which is read until then.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { openBus, type ProjectionOptions } from '#store';

type CartEvent = { type: 'Added'; data: { item: string; cents: number } } | { type: 'Emptied' };

/** How often each item was put into a cart, by item. */
const popular: ProjectionOptions<CartEvent, number> = {
  name: 'popular',
  version: 1,
  on: {
    Added(view, { data }) {
      view.update(data.item, (count = 0) => count + 1);
    },
  },
};

/** The same with the money it would bring, which also wants to know what is in each cart. */
const worth: ProjectionOptions<CartEvent, { count: number; cents: number }> = {
  name: 'popular',
  version: 2,
  on: {
    Added(view, { stream, data: { item, cents } }) {
      for (const key of [`item/${item}`, `cart/${stream}/${item}`]) {
        view.update(key, (sum = { count: 0, cents: 0 }) => ({ count: sum.count + 1, cents: sum.cents + cents }));
      }
    },
    Emptied(view, { stream }) {
      for (const { key } of view.range({ prefix: `cart/${stream}/` })) view.delete(key);
    },
  },
};

const directory = mkdtempSync(join(tmpdir(), 'read-model-'));
const bus = await openBus<CartEvent>({ path: join(directory, 'store') });
try {
  const first = bus.projection(popular);
  first.start();
  await bus.append('ada', [added('apple', 50), added('pear', 70), { type: 'Emptied' }, added('apple', 50)]);
  const { lastPosition } = await bus.append('ben', added('pear', 70));

  // Whoever has just appended waits until it shows. Other threads and processes read by `bus.view('popular')`, too.
  await first.waitFor(lastPosition);
  console.log(`version ${first.version} at ${first.position}: apple ${await first.get('apple')}`);
  await first.close();

  // The next release of the application has other handlers: the log is read again, and the result takes over at once.
  const second = bus.projection(worth);
  second.start();
  await second.caughtUp();
  console.log(`version ${second.version} at ${second.position}:`);
  for await (const { key, value } of second.range()) console.log(`  ${key}`, value);

  // A watch tells the value, then each change: here the first that there is.
  const plums = firstValueFrom(second.watch('item/plum').pipe(filter((sum) => sum !== undefined)));
  await bus.append('ada', added('plum', 20));
  console.log('plums:', (await plums).count);

  // The same version from the beginning again, for when something outside of the events has changed.
  await second.rebuild();
  await second.caughtUp();
  console.log(`rebuilt: ${second.status.state} at ${second.position}, still version ${second.version}`);
} finally {
  await bus.close();
  rmSync(directory, { recursive: true });
}

function added(item: string, cents: number): CartEvent {
  return { type: 'Added', data: { item, cents } };
}
