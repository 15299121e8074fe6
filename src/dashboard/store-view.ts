/**
 * The topic `store`: what the store is, and how it does.
 */
import { isBusError } from '../errors.ts';
import { packageVersion } from '../package-version.ts';
import type { LetIn } from './guard.ts';
import type { Sampler } from './sampler.ts';
import type { Source } from './source.ts';
import type { About, ActionName, FileFacts, StoreTopic } from './wire.ts';

export interface StoreViewOptions {
  readonly source: Source;
  readonly sampler: Sampler;
  readonly title: string;
  readonly actions: readonly ActionName[];
  readonly machines: readonly string[];
}

export class StoreView {
  readonly #options: StoreViewOptions;
  readonly #about: Omit<About, 'pid' | 'startedMs'>;
  #lastHead: number;
  #lastFacts: FileFacts;
  #factsMs: number;

  constructor(options: StoreViewOptions) {
    this.#options = options;
    const { source, title, actions, machines } = options;
    const { path, storeId, encryption } = source.bus.info();
    const { durability } = source.bus.capabilities;
    this.#lastHead = source.bus.head;
    this.#lastFacts = factsOf(source);
    this.#factsMs = performance.now();
    const isEncrypted = encryption !== undefined;
    this.#about = {
      title,
      path,
      storeId,
      durability,
      encrypted: isEncrypted,
      version: packageVersion(),
      source: source.kind,
      actions,
      machines,
    };
  }

  /** As those see it who were let in so far. */
  topic(access: LetIn): StoreTopic {
    const { source, sampler } = this.#options;
    const actions = access === 'write' ? this.#about.actions : [];
    const status = source.status();
    return {
      about: { ...this.#about, actions, ...(status && { pid: status.pid, startedMs: status.startedMs }) },
      head: this.#currentHead(),
      state: status?.state ?? (source.kind === 'app' ? source.bus.state : 'absent'),
      rates: sampler.rates,
      history: sampler.history,
      file: this.#facts(),
    };
  }

  /** Looked at once a second: it takes a system call. */
  #facts(): FileFacts {
    const nowMs = performance.now();
    if (nowMs - this.#factsMs < factsMs) return this.#lastFacts;
    this.#factsMs = nowMs;
    this.#lastFacts = this.#orLast(() => factsOf(this.#options.source), this.#lastFacts);
    return this.#lastFacts;
  }

  #currentHead(): number {
    this.#lastHead = this.#orLast(() => this.#options.source.bus.head, this.#lastHead);
    return this.#lastHead;
  }

  /** A bus that is closed, or closing, shows what was there last. */
  #orLast<Value>(look: () => Value, last: Value): Value {
    try {
      return look();
    } catch (error) {
      if (isBusError(error, 'STORE_CLOSED')) return last;
      throw error;
    }
  }
}

const factsMs = 900;

function factsOf(source: Source): FileFacts {
  const { indexedPosition } = source.bus.info();
  return { ...source.usage(), indexedPosition };
}
