/**
 * The ports that a bus has given to other threads, and what is known of those that are still there.
 */
import type { MessagePort } from 'node:worker_threads';
import { BusError } from '../src/errors.ts';
import type { OpenStore } from './open-store.ts';
import { PortGauge } from './port-gauge.ts';

export class Ports {
  readonly #gauges = new Map<number, PortGauge>();
  #made = 0;

  /** Has `store` serve another thread at the other end of `port`. @throws {UNSUPPORTED} */
  connect(port: MessagePort, { connect, engine }: OpenStore): void {
    if (connect === undefined) throw unconnectable(engine.path);
    const gauge = new PortGauge();
    connect(port, gauge);
    this.#forgetClosed();
    this.#gauges.set(++this.#made, gauge);
  }

  /** By their numbers, in the order in which they were given away. */
  get open(): ReadonlyMap<number, PortGauge> {
    this.#forgetClosed();
    return this.#gauges;
  }

  #forgetClosed(): void {
    for (const [number, gauge] of this.#gauges) if (gauge.isClosed) this.#gauges.delete(number);
  }
}

function unconnectable(path: string): BusError {
  return new BusError('UNSUPPORTED', `other threads can't read the store ${path}, or are connected to its bus`, {
    feature: 'threads',
  });
}
