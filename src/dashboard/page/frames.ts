/**
 * Puts frames together: what a topic is after each. Pure; live.ts has the connection.
 *
 * A key that does not change keeps its object, so that what is drawn from it need not be drawn again.
 */
import type { Frame, TopicName } from '../wire.ts';

export type Topic = Readonly<Record<string, unknown>>;

/**
 * The topics that a frame changes, as they are then. `seen` has the topics that this connection had frames of: the first frame
 * of a topic has all its keys, so what was known before it is forgotten. Adds to `seen`.
 */
export function merged(
  before: (topic: TopicName) => Topic | undefined,
  frame: Frame,
  seen: Set<TopicName>,
): Map<TopicName, Topic> {
  const after = new Map<TopicName, Topic>();
  for (const [name, changes] of Object.entries(frame.set)) {
    const old = seen.has(name) ? before(name) : undefined;
    seen.add(name);
    after.set(name, changed(old ?? {}, changes));
  }
  return after;
}

function changed(topic: Topic, changes: Readonly<Record<string, unknown>>): Topic {
  // Without a prototype: keys are names of users', `__proto__` among them.
  const result: Record<string, unknown> = Object.assign(Object.create(null), topic);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete result[key];
    else result[key] = value;
  }
  return result;
}

/** Takes a stream of server-sent events apart: call it with each piece of text, it calls back with each event's data. */
export function eventSplitter(onData: (data: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    rest += text;
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n').filter((line) => line.startsWith('data:'));
      if (lines.length > 0) onData(lines.map((line) => line.slice(line.startsWith('data: ') ? 6 : 5)).join('\n'));
    }
  };
}
