/**
 * The processors of a bus: creates them, knows them by name, and ends them when the bus closes.
 */
import type { AnyEvent, EventFilter, EventShape } from '../src/types.ts';
import { checkHandlerThreads } from './handler-thread.ts';
import { Lookers } from './lookers.ts';
import { PartitionedProcessor } from './partitioned-processor.ts';
import type { OwnedProcessor, Processor } from './processor.ts';
import { ProcessorLane } from './processor-lane.ts';
import { type ProcessorHost, ProcessorNames } from './processor-names.ts';
import { type ProcessorOptions, type ResolvedProcessorOptions, resolveProcessorOptions } from './processor-options.ts';
import { type TimerClock, unheldTimers } from './processor-status.ts';
import type { ProcessorStore } from './processor-store.ts';
import { withinMs } from './within-ms.ts';

/** What tests bring along. */
export interface ProcessorsWorld {
  readonly clock: TimerClock;
  /** 0 to 1. */
  readonly random: () => number;
}

/** A processor, and which events it is for. */
export interface Owned {
  readonly processor: OwnedProcessor;
  readonly wants: EventFilter;
}

const realWorld: ProcessorsWorld = { clock: unheldTimers, random: Math.random };

export class Processors implements ProcessorHost {
  readonly store: ProcessorStore;
  readonly names = new ProcessorNames();
  readonly clock: TimerClock;
  readonly lookers: Lookers;
  readonly #random: () => number;
  readonly #ownedByName = new Map<string, Owned>();
  readonly #hidden = new WeakSet<Processor>();

  constructor(store: ProcessorStore, world: ProcessorsWorld = realWorld) {
    this.store = store;
    this.clock = world.clock;
    this.#random = world.random;
    this.lookers = new Lookers((error) => store.report(error));
  }

  /** A processor that is not started yet. @throws {TypeError} for options out of range. @throws {PROCESSOR_NAME_TAKEN} */
  create<Events extends EventShape = AnyEvent, const Type extends string = string>(
    options: ProcessorOptions<Events, Type>,
  ): OwnedProcessor {
    return this.#add(resolveProcessorOptions(options), this.store);
  }

  /** One that is shown by somebody else: not in `list`. It has `store` to itself. @throws {PROCESSOR_NAME_TAKEN} */
  createHidden(options: ResolvedProcessorOptions, store: ProcessorStore): Processor {
    const processor = this.#add(options, store);
    this.#hidden.add(processor);
    return processor;
  }

  #add(resolved: ResolvedProcessorOptions, store: ProcessorStore): OwnedProcessor {
    checkHandlerThreads(store, resolved);
    const { name } = resolved;
    const holder = crypto.randomUUID();
    this.names.claim(name, holder);
    const release = () => {
      this.names.release(name, holder);
      this.#ownedByName.delete(name);
    };
    const { names, clock, lookers } = this;
    const place = { store, names, clock, lookers, random: this.#random, release };
    const processor =
      resolved.partitions > 1 ? new PartitionedProcessor(place, resolved) : new ProcessorLane(place, resolved);
    this.#ownedByName.set(name, { processor, wants: resolved.filter });
    return processor;
  }

  get(name: string): Processor | undefined {
    return this.#ownedByName.get(name)?.processor;
  }

  /** Those that are not closed, in the order they were created; also those that somebody else shows. */
  get all(): readonly Owned[] {
    return [...this.#ownedByName.values()];
  }

  /** Those that are not closed, in the order they were created. */
  get list(): readonly Processor[] {
    return this.all.map(({ processor }) => processor).filter((processor) => !this.#hidden.has(processor));
  }

  /**
   * Stops all processors, side by side, also those that run in machines of the user's own, and closes ours. Those that
   * have not ended after `deadlineMs` are ended at once. Never rejects.
   */
  async close(deadlineMs: number): Promise<void> {
    const processors = this.all.map(({ processor }) => processor);
    const ended = Promise.all([this.names.stopAll(), ...processors.map((processor) => processor.close())]);
    await withinMs(deadlineMs, ended);
    for (const processor of processors) processor.abandon();
  }
}
