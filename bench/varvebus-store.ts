/**
 * The subject: varvebus as its users call it.
 */
import { type Bus, openBus } from '#store';
import type { ReadSum, ScanRequest, Store } from './store.ts';
import type { MakeTask, Task } from './task.ts';
import type { OrderEvent, Single, Workload } from './workload.ts';

/** Reader threads of the bus, on any machine: `query-2` needs them. They start with the first query. */
const readers = 2;

/** Of sealed stores: what it is makes no difference. */
const masterKey = new Uint8Array(32).fill(1);

export async function openVarvebusStore(
  directory: string,
  { inline, isSealed = false }: { readonly inline: boolean; readonly isSealed?: boolean },
): Promise<VarvebusStore> {
  const encryption = isSealed ? { masterKey } : undefined;
  return new VarvebusStore(await openBus<OrderEvent>({ path: directory, inline, readers, encryption }));
}

/** A task for what only a bus has. */
export function onVarvebus(make: (store: VarvebusStore, workload: Workload) => Task): MakeTask {
  return (store, workload) => {
    if (!(store instanceof VarvebusStore)) throw new TypeError('this case is for varvebus only');
    return make(store, workload);
  };
}

export class VarvebusStore implements Store {
  readonly bus: Bus<OrderEvent>;

  constructor(bus: Bus<OrderEvent>) {
    this.bus = bus;
  }

  async append(stream: string, events: readonly OrderEvent[]): Promise<void> {
    await this.bus.append(stream, events);
  }

  async appendSingles(singles: readonly Single[]): Promise<void> {
    await Promise.all(singles.map(({ stream, event }) => this.bus.append(stream, event)));
  }

  async scan({ touchesData, type, isDone }: ScanRequest): Promise<ReadSum> {
    const sum: ReadSum = { events: 0, checksum: 0 };
    const options = type === undefined ? {} : { types: [type as OrderEvent['type']] };
    for await (const page of this.bus.read(options).pages()) {
      sum.events += page.length;
      if (touchesData) for (const event of page) sum.checksum += event.data.totalCents;
      else for (const event of page) sum.checksum += event.version;
      if (isDone()) break;
    }
    return sum;
  }

  async readNewest(stream: string, count: number): Promise<ReadSum> {
    const sum: ReadSum = { events: 0, checksum: 0 };
    for await (const page of this.bus.readStream(stream, { direction: 'backward', limit: count }).pages()) {
      sum.events += page.length;
      for (const event of page) sum.checksum += event.data.totalCents;
    }
    return sum;
  }

  async readAt(positions: readonly number[]): Promise<ReadSum> {
    const sum: ReadSum = { events: 0, checksum: 0 };
    for (const position of positions) {
      const event = await this.bus.event(position);
      sum.checksum += event?.data.totalCents ?? Number.NaN;
      sum.events++;
    }
    return sum;
  }

  head(): number {
    return this.bus.head;
  }

  close(): Promise<void> {
    return this.bus.close();
  }
}
