/**
 * The topic `store`: what the store is, and how it does.
 */
import { packageVersion } from './package-version.ts';
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
  #file: { readonly atMs: number; readonly facts: FileFacts } | undefined;

  constructor(options: StoreViewOptions) {
    this.#options = options;
    const { source, title, actions, machines } = options;
    const { path, storeId, encryption } = source.bus.info();
    const { durability } = source.bus.capabilities;
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

  topic(): StoreTopic {
    const { source, sampler } = this.#options;
    const status = source.status();
    return {
      about: { ...this.#about, ...(status && { pid: status.pid, startedMs: status.startedMs }) },
      head: source.bus.head,
      state: status?.state ?? (source.kind === 'app' ? source.bus.state : 'absent'),
      rates: sampler.rates,
      history: sampler.history,
      file: this.#facts(),
    };
  }

  /** Looked at once a second: it takes a system call. */
  #facts(): FileFacts {
    const nowMs = performance.now();
    if (this.#file === undefined || nowMs - this.#file.atMs >= factsMs) {
      this.#file = { atMs: nowMs, facts: factsOf(this.#options.source) };
    }
    return this.#file.facts;
  }
}

const factsMs = 900;

function factsOf(source: Source): FileFacts {
  const { indexedPosition } = source.bus.info();
  return { ...source.usage(), indexedPosition };
}
