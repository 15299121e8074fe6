/**
 * The live connection: one stream of frames for all topics that something on the page shows.
 *
 * Reconnects by itself, says how it stands ({@link connection}), and rests while the tab is hidden. When the topics change, the
 * old stream goes on until the new one has begun: nothing flickers, and the server goes on looking at its machines.
 */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Failure, Frame, TopicName } from '../wire.ts';
import { eventSplitter, merged, type Topic } from './frames.ts';

/** `refused`: the server wants a new login; trying again can't help. `resting`: the tab is hidden. */
export type Connection = 'connecting' | 'live' | 'lost' | 'refused' | 'resting';

/** The wait before the first new try; doubled each time. */
const retryMs = 250;
const retryMsMax = 4000;
/** The topic `store` changes every second: a stream that is silent for so long is dead. */
const silenceMsMax = 15_000;

const connectionNow = signal<Connection>('connecting');
export const connection: ReadonlySignal<Connection> = connectionNow;
const reasonNow = signal('');
/** While it is `lost` or `refused`: what the server says of it; `''` when it did not answer. */
export const lostReason: ReadonlySignal<string> = reasonNow;

interface Held {
  readonly value: Signal<Topic | undefined>;
  users: number;
}
const topics = new Map<TopicName, Held>();

let stream: AbortController | undefined;
let retries = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** What the server's clock is ahead of ours. Milliseconds. */
let aheadMs = 0;

/** Now, by the server's clock: all times that it tells are of it. Milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + aheadMs;
}

/** A topic as long as the component is there, by key; `undefined` until its first frame. */
export function useTopic<T extends object = Topic>(name: TopicName): Partial<T> | undefined {
  useEffect(() => {
    held(name).users++;
    plan(0);
    return () => {
      held(name).users--;
      plan(0);
    };
  }, [name]);
  return held(name).value.value as Partial<T> | undefined;
}

/** Begins; the page calls it once. */
export function startLive(): void {
  document.addEventListener('visibilitychange', () => {
    retries = 0;
    plan(0);
  });
  addEventListener('online', () => plan(0));
}

/** Tries again at once, after `lost` or `refused`. */
export function reconnect(): void {
  retries = 0;
  plan(0);
}

function held(name: TopicName): Held {
  const known = topics.get(name);
  if (known !== undefined) return known;
  const made: Held = { value: signal(undefined), users: 0 };
  topics.set(name, made);
  return made;
}

/** Several changes at a time become one new stream. */
function plan(inMs: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void connect(), inMs);
}

async function connect(): Promise<void> {
  const old = stream;
  const wanted = [...topics].filter(([, { users }]) => users > 0).map(([name]) => name);
  if (document.hidden || wanted.length === 0) {
    stream = undefined;
    old?.abort();
    connectionNow.value = document.hidden ? 'resting' : 'connecting';
    return;
  }
  const mine = new AbortController();
  stream = mine;
  if (old === undefined && connectionNow.peek() !== 'lost') connectionNow.value = 'connecting';
  const failed = await follow(wanted, mine, () => old?.abort());
  old?.abort();
  if (stream !== mine) return;
  stream = undefined;
  connectionNow.value = failed;
  if (failed !== 'refused') plan(Math.min(retryMsMax, retryMs * 2 ** retries++));
}

/** Reads one stream to its end, and says what is to be said of that: of one that had begun nothing before it is tried again. */
async function follow(wanted: readonly TopicName[], mine: AbortController, onBegun: () => void): Promise<Connection> {
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => mine.abort(), silenceMsMax);
  };
  try {
    heard();
    reasonNow.value = '';
    const address = `api/live?${wanted.map((name) => `topic=${encodeURIComponent(name)}`).join('&')}`;
    const answer = await fetch(new URL(address, document.baseURI), {
      headers: { accept: 'text/event-stream' },
      cache: 'no-store',
      signal: mine.signal,
    });
    if (!answer.ok || answer.body === null) {
      reasonNow.value = await failureText(answer);
      return answer.status === 401 || answer.status === 403 ? 'refused' : 'lost';
    }
    const seen = new Set<TopicName>();
    const split = eventSplitter((data) => {
      if (mine.signal.aborted) return;
      if (seen.size === 0) {
        onBegun();
        retries = 0;
        forgetAllBut(wanted);
      }
      apply(JSON.parse(data) as Frame, seen);
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      heard();
      split(piece.value);
    }
    return seen.size > 0 ? 'connecting' : 'lost';
  } catch {
    // What a fetch fails with says nothing more than that it failed.
    return 'lost';
  } finally {
    clearTimeout(silence);
  }
}

function apply(frame: Frame, seen: Set<TopicName>): void {
  aheadMs = frame.atMs - Date.now();
  batch(() => {
    connectionNow.value = 'live';
    for (const [name, topic] of merged((known) => topics.get(known)?.value.peek(), frame, seen)) {
      const target = topics.get(name);
      if (target !== undefined) target.value.value = topic;
    }
  });
}

async function failureText(answer: Response): Promise<string> {
  const body: Partial<Failure> = await answer.json().catch(() => ({}));
  return body.error?.message ?? `it answered ${answer.status}`;
}

function forgetAllBut(wanted: readonly TopicName[]): void {
  for (const [name, topic] of topics) if (!wanted.includes(name)) topic.value.value = undefined;
}
