/**
 * The task of `idle`: what a bus at rest costs, with a live processor and a subscription that waits for the next event.
 *
 * CPU is that of all threads of the process, over at least a second. After each turn an event is appended, to see that both were still there; what
 * that costs, and the cursor that is saved a moment later, is left to settle before the next turn begins.
 */
import { setTimeout } from 'node:timers/promises';
import type { Bus, StoredEvent } from '#store';
import { type MakeTask, nothingRead } from './task.ts';
import { onVarvebus } from './varvebus-store.ts';
import type { OrderEvent, Workload } from './workload.ts';

/** A processor saves its cursor when it had nothing to do for 50 ms; collecting garbage comes a little later. */
const settleMs = 300;
/** To wake up at the end of a turn costs a process 0.2 ms by itself, with or without a bus: not to be told from a short one. */
const turnMsMin = 1000;

/** Microseconds of CPU a second. */
export const idleTask: MakeTask = onVarvebus(({ bus }, workload) => {
  let rest: Rest | undefined;
  return {
    async warmUp() {
      rest = await Rest.start(bus);
      await rest.wake(workload);
      return nothingRead;
    },
    async run({ ms }) {
      await setTimeout(settleMs);
      const cpu = process.cpuUsage();
      const startMs = performance.now();
      await setTimeout(Math.max(ms, turnMsMin));
      const seconds = (performance.now() - startMs) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      await rest?.wake(workload);
      return { events: 0, value: (user + system) / seconds };
    },
    end: async () => rest?.end(),
  };
});

/** One live processor, and one waiting subscription. */
class Rest {
  readonly #bus: Bus<OrderEvent>;
  readonly #subscription: AsyncIterator<StoredEvent<OrderEvent>>;
  #next: Promise<IteratorResult<StoredEvent<OrderEvent>>>;
  #handled = 0;

  static async start(bus: Bus<OrderEvent>): Promise<Rest> {
    const rest = new Rest(bus);
    const processor = bus.processor({ name: 'idle', from: 'now', handle: (event) => rest.#handle(event.position) });
    processor.start();
    await processor.waitFor('live');
    return rest;
  }

  private constructor(bus: Bus<OrderEvent>) {
    this.#bus = bus;
    this.#subscription = bus.subscribe({ after: bus.head })[Symbol.asyncIterator]();
    this.#next = this.#subscription.next();
  }

  /** Appends an event. @throws unless processor and subscription get it. */
  async wake(workload: Workload): Promise<void> {
    await this.#bus.append(workload.stream(), workload.event());
    const { value } = await this.#next;
    const [processor] = this.#bus.processors;
    await processor?.caughtUp();
    if (value?.position !== this.#bus.head) throw new Error('the subscription did not get the event');
    if (processor?.status.state !== 'live' || this.#handled !== this.#bus.head) {
      throw new Error('the processor did not get the event');
    }
    this.#next = this.#subscription.next();
  }

  async end(): Promise<void> {
    await this.#subscription.return?.();
  }

  #handle(position: number): void {
    this.#handled = position;
  }
}
