/**
 * A chat: each room is a stream, so what was said there has one order and stays. Who comes in reads what was said before,
 * then listens: nothing is missed in between, and nothing comes twice. Messages are checked by a schema before they are kept.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type Bus, type EventsOf, isBusError, type LiveSubscription, openBus, type StoredEvent } from '#store';

const schemas = {
  Said: z.object({ by: z.string(), text: z.string().trim().min(1).max(140) }),
  Typed: z.object({ by: z.string(), letters: z.int() }),
};
type ChatEvent = EventsOf<typeof schemas>;
type Said = StoredEvent<Extract<ChatEvent, { type: 'Said' }>>;

/** Somebody in a room, and what their screen shows. */
class Guest {
  readonly name: string;
  readonly screen: string[] = [];
  readonly #bus: Bus<ChatEvent>;
  readonly #room: string;
  readonly #messages: LiveSubscription;
  readonly #typing: LiveSubscription;
  readonly #before = Promise.withResolvers<void>();

  static async enter(bus: Bus<ChatEvent>, room: string, name: string): Promise<Guest> {
    const guest = new Guest(bus, room, name);
    await guest.#readOn();
    return guest;
  }

  private constructor(bus: Bus<ChatEvent>, room: string, name: string) {
    this.#bus = bus;
    this.#room = room;
    this.name = name;
    // Every message counts: those that can't be shown yet wait in the log.
    this.#messages = bus.on('Said', (said) => this.#before.promise.then(() => this.#show(said)), { streams: [room] });
    // Of what somebody types only the newest is of interest, and a screen is slow.
    this.#typing = bus.on('Typed', ({ data }) => this.#showTyping(data.by, data.letters), {
      streams: [room],
      overflow: { coalesceBy: ({ data }) => data.by },
    });
  }

  async say(text: string): Promise<void> {
    try {
      await this.#bus.publish({ type: 'Said', data: { by: this.name, text } }, { stream: this.#room });
    } catch (error) {
      if (!isBusError(error, 'SCHEMA_INVALID')) throw error;
      this.screen.push(`(not sent, ${error.detail.issues[0]?.path})`);
    }
  }

  async type(letters: number): Promise<void> {
    await this.#bus.publish({ type: 'Typed', data: { by: this.name, letters } }, { stream: this.#room });
  }

  async sees(line: string): Promise<void> {
    while (!this.screen.includes(line)) await delay(1);
  }

  leave(): void {
    this.#messages.close();
    this.#typing.close();
  }

  /** What was said before the listener began: it waits for that, and goes on from there. */
  async #readOn(): Promise<void> {
    const before = this.#bus.read({ to: this.#messages.after, streams: [this.#room], types: ['Said'] });
    for await (const said of before) this.#show(said);
    this.#before.resolve();
  }

  #show({ version, data: { by, text } }: Said): void {
    this.screen.push(`${version} ${by}: ${text}`);
  }

  async #showTyping(by: string, letters: number): Promise<void> {
    if (by === this.name) return;
    this.screen.push(`${by} is typing, ${letters} letters`);
    await delay(20);
  }
}

const directory = mkdtempSync(join(tmpdir(), 'chat-'));
const bus = await openBus({ path: join(directory, 'store'), schemas });
try {
  const ann = await Guest.enter(bus, 'room-lobby', 'Ann');
  await ann.say('Anybody here?');
  const ben = await Guest.enter(bus, 'room-lobby', 'Ben');
  await Promise.all(Array.from({ length: 50 }, (_, index) => ben.type(index + 1)));
  await ben.say('  Yes, me. ');
  await ben.sees('52 Ben: Yes, me.');
  await ben.say(' ');
  await ann.sees('52 Ben: Yes, me.');
  await ann.sees('Ben is typing, 50 letters');
  for (const guest of [ann, ben]) guest.leave();
  console.log(`Ann's screen: ${ann.screen.filter((line) => !line.includes('typing')).join(' | ')}`);
  console.log(`Ben's screen: ${ben.screen.join(' | ')}`);
  console.log(`Ann saw ${ann.screen.some((line) => line.includes(' 50 ')) ? 'the last' : 'none'} of Ben's 50 letters`);
} finally {
  await bus.close();
  rmSync(directory, { recursive: true });
}
