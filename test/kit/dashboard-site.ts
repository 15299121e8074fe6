/**
 * A dashboard that listens, for tests, and somebody who has logged in to it.
 */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Dashboard, type DashboardOptions, dashboard } from '#dashboard';
import type { Frame } from '#kernel/dashboard/wire';
import type { AnyEvent, Bus } from '#store';

/** A topic as a page has it after some frames. */
export type TopicNow = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

/** Asks 127.0.0.1 at `port`, with exactly these headers and this path: no client puts them right. */
export function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Sends `bytes` as they are, and resolves with all that comes back until the other end closes, or is silent for a while. */
export function sendRaw(port: number, bytes: string, silenceMs = 300): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

/** A dashboard of `bus` that listens until the test ends. */
export async function openSite(bus: Bus<AnyEvent>, options: DashboardOptions = {}): Promise<OwnSite> {
  const board = dashboard(bus, options);
  onTestFinished(() => board.close());
  const { url, port } = await board.listen();
  if (options.auth !== undefined) return Object.assign(new Site(port, undefined), { board });
  const { status, headers } = await ask(port, url.slice(url.indexOf('/', 8)));
  if (status !== 303) throw new Error(`the login was answered ${status}`);
  return Object.assign(new Site(port, headers['set-cookie']?.[0]?.split(';')[0]), { board });
}

/** One that has been opened here. */
export interface OwnSite extends Site {
  readonly board: Dashboard;
}

export class Site {
  readonly port: number;
  /** Name and value. */
  readonly cookie: string | undefined;

  constructor(port: number, cookie: string | undefined) {
    this.port = port;
    this.cookie = cookie;
  }

  ask(path: string, given: Ask = {}): Promise<Answer> {
    return ask(this.port, path, {
      ...given,
      headers: { ...(this.cookie && { cookie: this.cookie }), ...given.headers },
    });
  }

  /** What is answered with status 200. */
  async get<T>(path: string): Promise<T> {
    const { status, text } = await this.ask(path);
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${text}`);
    return JSON.parse(text) as T;
  }

  order(path: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.ask(path, {
      method: 'POST',
      headers: { 'x-varvebus': '1', 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  /** Follows topics until the test ends. */
  follow(...topics: readonly string[]): Promise<Following> {
    return this.followAt('/api/live', ...topics);
  }

  /** The same, for one below another path. */
  async followAt(path: string, ...topics: readonly string[]): Promise<Following> {
    const following = new Following(this, path, topics);
    onTestFinished(() => following.close());
    await following.begun;
    return following;
  }
}

/** A page's live connection. */
export class Following {
  readonly frames: Frame[] = [];
  readonly begun: Promise<void>;
  #topics: Record<string, TopicNow> = {};
  readonly #sent: ReturnType<typeof httpRequest>;
  readonly #looks = new Set<() => void>();
  isEnded = false;

  constructor({ port, cookie }: Site, at: string, topics: readonly string[]) {
    const query = topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join('&');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.begun = promise;
    const headers = cookie === undefined ? {} : { cookie };
    this.#sent = httpRequest({ host: '127.0.0.1', port, path: `${at}?${query}`, headers, agent: false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`live was answered ${response.statusCode}`));
      let left = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const events = `${left}${chunk}`.split('\n\n');
        left = events.pop() as string;
        for (const event of events) if (event.startsWith('data: ')) this.#take(JSON.parse(event.slice(6)) as Frame);
        if (topics.every((topic) => topic in this.#topics)) resolve();
      });
      response.on('close', () => this.#end()).on('error', () => this.#end());
    });
    this.#sent.on('error', (error) => {
      reject(error);
      this.#end();
    });
    this.#sent.end();
  }

  topic<T = TopicNow>(name: string): T {
    return (this.#topics[name] ?? {}) as T;
  }

  /** Resolves when `condition` holds, looking at each frame. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.isEnded) throw new Error('the connection has ended');
      await new Promise<void>((resolve) => this.#looks.add(resolve));
    }
  }

  /** Resolves when the connection has ended. */
  async ended(): Promise<void> {
    while (!this.isEnded) await new Promise<void>((resolve) => this.#looks.add(resolve));
  }

  close(): void {
    this.#sent.destroy();
  }

  #take(frame: Frame): void {
    this.frames.push(frame);
    for (const [topic, set] of Object.entries(frame.set)) {
      const now = new Map(Object.entries(this.#topics[topic] ?? {}));
      for (const [key, value] of Object.entries(set)) {
        if (value === null) now.delete(key);
        else now.set(key, value);
      }
      this.#topics[topic] = Object.fromEntries(now);
    }
    this.#look();
  }

  #end(): void {
    this.isEnded = true;
    this.#look();
  }

  #look(): void {
    for (const look of this.#looks) look();
    this.#looks.clear();
  }
}
