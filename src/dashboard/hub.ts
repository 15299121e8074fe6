/**
 * The hub: pages come and go, topics are looked at while somebody follows them, and what has changed goes out in frames.
 *
 * While nobody does, nothing is attached and nothing runs. A change goes out at once if no frame did a moment ago, and with
 * the next one otherwise; looks never overlap, and take a small part of the time, however much there is to look at. A look that fails is reported, and what it would have shown stays as it was.
 */
import type { ServerResponse } from 'node:http';
import { isBusError } from '../errors.ts';
import { dashboardClientsMax, dashboardFrameMs, dashboardSilenceMaxMs } from '../limits.ts';
import { isGone } from './gone.ts';
import type { LetIn } from './guard.ts';
import { LiveClient } from './live-client.ts';
import { LiveTopic, type TopicContent } from './live-topic.ts';
import { dashboardClosed, notFound, Refusal } from './refusal.ts';

export interface HubWorld {
  /** What the topic of a name shows to those who were let in so far; `undefined` if there is none. */
  readonly content: (topic: string, access: LetIn) => TopicContent | undefined;
  /** Tells, until what is returned is called, that something may have changed. */
  readonly attach: (onChange: () => void) => () => void;
  readonly report: (error: unknown) => void;
}

export class Hub {
  readonly #world: HubWorld;
  readonly #clients = new Set<LiveClient>();
  /** What one may see is a topic of its own, whatever others see of the same name. */
  readonly #topics: Readonly<Record<LetIn, Map<string, LiveTopic>>> = { read: new Map(), write: new Map() };
  readonly #failing = new WeakSet<LiveTopic>();
  #detach: (() => void) | undefined;
  #beats: NodeJS.Timeout | undefined;
  #next: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isStale = false;
  #lookedMs = 0;
  /** What the last two looks took: one alone may have been held up. */
  #tookMs: readonly [last: number, before: number] = [0, 0];
  #isClosed = false;

  constructor(world: HubWorld) {
    this.#world = world;
  }

  /** Pages that follow. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * Answers with frames of the topics `names` until the page goes, or what is returned is called.
   * @throws {Refusal} for one too many, or a topic that is none
   */
  follow(names: readonly string[], response: ServerResponse, access: LetIn = 'write'): () => void {
    if (this.#isClosed) throw dashboardClosed();
    // One that went away while it was let in says nothing of it any more.
    if (isGone(response)) return () => undefined;
    if (this.#clients.size >= dashboardClientsMax) {
      const message = `${dashboardClientsMax} pages follow this dashboard already: close one`;
      throw new Refusal(503, 'TOO_MANY_CLIENTS', message, { 'retry-after': '5' });
    }
    const topics = [...new Set(names)].map((name) => this.#topic(name, access));
    for (const topic of topics) this.#topics[access].set(topic.name, topic);
    const client = new LiveClient(response, topics, access, this.#world.report);
    this.#clients.add(client);
    const leave = () => this.#leave(client);
    response.on('close', leave).on('error', leave);
    for (const topic of topics) client.note(topic, topic.keys);
    if (this.#detach === undefined) this.#begin();
    this.changed();
    return () => this.#end(client);
  }

  /** Something may have changed: has it looked at soon. */
  changed(): void {
    this.#isStale = true;
    if (this.#next !== undefined || this.#isLooking || this.#clients.size === 0) return;
    const leastMs = Math.max(dashboardFrameMs, Math.min(Math.min(...this.#tookMs) * shareOfTime, restMsMax));
    const waitMs = Math.max(0, leastMs - (performance.now() - this.#lookedMs));
    this.#next = setTimeout(() => {
      this.#next = undefined;
      void this.#look();
    }, waitMs).unref();
  }

  /** Disconnects all pages. */
  close(): void {
    this.#isClosed = true;
    for (const client of [...this.#clients]) this.#end(client);
  }

  #end(client: LiveClient): void {
    client.end();
    this.#leave(client);
  }

  #topic(name: string, access: LetIn): LiveTopic {
    const known = this.#topics[access].get(name);
    if (known !== undefined) return known;
    const content = this.#world.content(name, access);
    if (content === undefined) throw notFound(`the topic ${JSON.stringify(name)}`);
    return new LiveTopic(name, content);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    this.#isStale = false;
    this.#lookedMs = performance.now();
    for (const topic of [...this.#topics.write.values(), ...this.#topics.read.values()]) {
      const changed = await this.#changesOf(topic);
      if (changed.length === 0) continue;
      for (const client of this.#clients) if (client.topics.includes(topic)) client.note(topic, changed);
    }
    for (const client of [...this.#clients]) client.flush();
    this.#tookMs = [performance.now() - this.#lookedMs, this.#tookMs[0]];
    this.#isLooking = false;
    if (this.#isStale) this.changed();
  }

  async #changesOf(topic: LiveTopic): Promise<readonly string[]> {
    try {
      const changed = await topic.look();
      this.#failing.delete(topic);
      return changed;
    } catch (error) {
      // What a closed bus has shown last stays on the page. What goes on failing is told once.
      if (!isBusError(error, 'STORE_CLOSED') && !this.#failing.has(topic)) this.#world.report(error);
      this.#failing.add(topic);
      return [];
    }
  }

  #begin(): void {
    this.#detach = this.#world.attach(() => this.changed());
    this.#beats = setInterval(() => this.#beat(), beatMs).unref();
  }

  #beat(): void {
    for (const client of [...this.#clients]) {
      if (client.isAlive(dashboardSilenceMaxMs)) continue;
      client.drop();
      // Its connection may be gone for long, and tell nothing.
      this.#leave(client);
    }
    this.changed();
  }

  #leave(client: LiveClient): void {
    if (!this.#clients.delete(client)) return;
    for (const topic of client.topics) {
      const isFollowed = [...this.#clients].some((other) => other.topics.includes(topic));
      if (!isFollowed) this.#topics[client.access].delete(topic.name);
    }
    if (this.#clients.size > 0) return;
    clearInterval(this.#beats);
    clearTimeout(this.#next);
    this.#next = undefined;
    this.#detach?.();
    this.#detach = undefined;
  }
}

/** Rates and times change without anybody telling. */
const beatMs = 1000;
/** From the beginning of a look to that of the next, in such looks; but what changes is to be shown while it is news. */
const shareOfTime = 20;
const restMsMax = 200;
