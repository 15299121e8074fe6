/**
 * One page that follows topics by server-sent events.
 *
 * What is kept for a page that is slow is the names of the keys that have changed, never old values: it gets one frame with
 * the newest ones when it has taken what was sent. One that takes nothing for too long is disconnected.
 */
import type { ServerResponse } from 'node:http';
import { dashboardFrameCharactersMax } from '../limits.ts';
import { begin } from './answer.ts';
import type { LetIn } from './guard.ts';
import type { LiveTopic } from './live-topic.ts';

export class LiveClient {
  readonly topics: readonly LiveTopic[];
  readonly access: LetIn;
  readonly #response: ServerResponse;
  readonly #report: (error: unknown) => void;
  /** By topic, the keys that it has yet to be told of. */
  readonly #pending = new Map<LiveTopic, Set<string>>();
  /** Since when it has not taken what was sent; `undefined` while it keeps up. */
  #heldSinceMs: number | undefined;
  #sentMs = 0;

  /** `report`: told what middleware throws that has `write` of a response for its own. */
  constructor(response: ServerResponse, topics: readonly LiveTopic[], access: LetIn, report: (error: unknown) => void) {
    this.#response = response;
    this.#report = report;
    this.access = access;
    this.topics = topics;
    begin(response, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      // A proxy, or a middleware that compresses, is to pass on each frame.
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    response.on('drain', () => {
      this.#heldSinceMs = undefined;
      this.flush();
    });
    this.#write(`retry: ${retryMs}\n\n`);
  }

  /** Notes that `keys` of `topic` have changed. */
  note(topic: LiveTopic, keys: Iterable<string>): void {
    const noted = this.#pending.get(topic) ?? new Set();
    for (const key of keys) noted.add(key);
    // Also without a key: the first frame of a topic says that it is empty.
    this.#pending.set(topic, noted);
  }

  /** Sends what was noted, unless it has not taken the frame before. */
  flush(): void {
    while (this.#heldSinceMs === undefined) {
      const frame = this.#nextFrame();
      if (frame === undefined) return;
      this.#write(frame);
    }
  }

  /** Of what is pending as many topics as fit; `undefined` if nothing is. */
  #nextFrame(): string | undefined {
    const topics: string[] = [];
    let characters = 0;
    for (const [topic, keys] of this.#pending) {
      if (!topic.isLooked) continue;
      if (characters > dashboardFrameCharactersMax) break;
      const text = `${JSON.stringify(topic.name)}:{${topic.json(keys)}}`;
      topics.push(text);
      characters += text.length;
      this.#pending.delete(topic);
    }
    return topics.length === 0 ? undefined : `data: {"atMs":${Date.now()},"set":{${topics.join(',')}}}\n\n`;
  }

  /** Has a proxy, and the page, know that it is still there; false when the page has not kept up for `silenceMaxMs`. */
  isAlive(silenceMaxMs: number): boolean {
    const nowMs = Date.now();
    if (this.#heldSinceMs !== undefined) return nowMs - this.#heldSinceMs < silenceMaxMs;
    if (nowMs - this.#sentMs >= beatMs) this.#write(':\n\n');
    return true;
  }

  /** Ends the connection: at once for a page that would not take the end either. */
  end(): void {
    if (this.#heldSinceMs === undefined) this.#response.end();
    else this.drop();
  }

  drop(): void {
    this.#response.destroy();
  }

  #write(text: string): void {
    this.#sentMs = Date.now();
    try {
      if (this.#response.write(text)) return;
      this.#heldSinceMs = this.#sentMs;
    } catch (error) {
      // It takes nothing any more.
      this.#heldSinceMs = this.#sentMs;
      this.#report(error);
      this.drop();
    }
  }
}

/** How soon a page comes again when it was disconnected. */
const retryMs = 1000;
/** The longest silence. */
const beatMs = 5000;
