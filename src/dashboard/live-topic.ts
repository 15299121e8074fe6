/**
 * A topic that some page follows: its keys with their values as of the last look, as JSON text.
 *
 * A value that is the same object as before is not looked at again, and one of the same text is no change.
 */
import { dashboardTopicRowsMax } from '../limits.ts';

/** What a topic shows: its keys with their values. May need to read. */
export type TopicContent = () => TopicEntries | Promise<TopicEntries>;
export type TopicEntries = Iterable<readonly [key: string, value: unknown]>;

export class LiveTopic {
  readonly name: string;
  readonly #content: TopicContent;
  #shown = new Map<string, { readonly value: unknown; readonly json: string }>();
  #isLooked = false;

  constructor(name: string, content: TopicContent) {
    this.name = name;
    this.#content = content;
  }

  /** Whether it was looked at: before, it has no keys that could be shown. */
  get isLooked(): boolean {
    return this.#isLooked;
  }

  get keys(): Iterable<string> {
    return this.#shown.keys();
  }

  /** Looks again; gives the keys that have changed, or are gone. */
  async look(): Promise<readonly string[]> {
    const before = this.#shown;
    const content = this.#content();
    const shown: typeof before = new Map();
    const changed: string[] = [];
    for (const [key, value] of content instanceof Promise ? await content : content) {
      if (shown.size === dashboardTopicRowsMax) break;
      const known = before.get(key);
      if (known !== undefined && known.value === value) {
        shown.set(key, known);
        continue;
      }
      const json = JSON.stringify(value) ?? 'null';
      shown.set(key, { value, json });
      if (json !== known?.json) changed.push(key);
    }
    for (const key of before.keys()) if (!shown.has(key)) changed.push(key);
    this.#shown = shown;
    this.#isLooked = true;
    return changed;
  }

  /** `keys` with their values, as the inside of a JSON object; `null` for those that are gone. */
  json(keys: Iterable<string>): string {
    const members: string[] = [];
    for (const key of keys) members.push(`${JSON.stringify(key)}:${this.#shown.get(key)?.json ?? 'null'}`);
    return members.join(',');
  }
}
