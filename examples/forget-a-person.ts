/**
 * Events about people, encrypted at rest, and one person who wants to be forgotten: their events go in all streams at once, and
 * so does what was made of them. Everything that reads goes on.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBusError, openBus } from '#store';

type VisitEvent =
  | { type: 'Booked'; data: { name: string; nights: number } }
  | { type: 'Complained'; data: { name: string; about: string } };

// In an application it comes from a file that only it can read, or from a key management service.
const masterKey = randomBytes(32);
const directory = mkdtempSync(join(tmpdir(), 'forget-'));
const path = join(directory, 'store');

const bus = await openBus<VisitEvent>({ path, encryption: { masterKey } });
const guests = bus.projection<number>({
  name: 'nights-by-guest',
  version: 1,
  on: {
    Booked(view, { data }) {
      view.update(data.name, (nights = 0) => nights + data.nights);
    },
  },
});
guests.start();

// Whom an event is about is said by its subject, which is not kept: only the key that belongs to it is.
await bus.append('hotel-sea', [
  { type: 'Booked', data: { name: 'Ada', nights: 3 }, subject: 'guest-17' },
  { type: 'Booked', data: { name: 'Ben', nights: 1 }, subject: 'guest-18' },
]);
await bus.append('hotel-hill', [
  { type: 'Complained', data: { name: 'Ada', about: 'the view' }, subject: 'guest-17' },
  { type: 'Booked', data: { name: 'Ben', nights: 2 }, subject: 'guest-18' },
]);
await guests.caughtUp();
console.log('nights of Ada:', await guests.get('Ada'));

// The keys are destroyed, the log says so, and the read model is made anew without her before this resolves.
const { events, projections, final } = await bus.erase({ subject: 'guest-17' });
console.log(
  `erased: ${events} events, ${projections.map(({ name, state }) => `${name} ${state}`).join(', ')}, final: ${final}`,
);
console.log('nights of Ada:', await guests.get('Ada'), 'of Ben:', await guests.get('Ben'));

for await (const { position, stream, type, data, erased } of bus.read({ prefix: 'hotel' })) {
  console.log(position, stream, type, erased ? '(erased)' : data);
}

// Her key does not come back by accident.
try {
  await bus.append('hotel-sea', { type: 'Booked', data: { name: 'Ada', nights: 1 }, subject: 'guest-17' });
} catch (error) {
  if (!isBusError(error, 'KEY_ERASED')) throw error;
  console.log('refused:', error.code);
}
await bus.close();

// The master key can be changed at any time; without the right one nothing is read.
try {
  await openBus({ path, encryption: { masterKey: randomBytes(32) } });
} catch (error) {
  console.log('another key:', isBusError(error, 'MASTER_KEY_WRONG') ? error.code : error);
} finally {
  rmSync(directory, { recursive: true });
}
