/**
 * Closing a bus when the process is told to end: for applications that want it. Nothing acknowledged is lost without it;
 * with it, processors save their cursors, so that less comes again.
 */
import { refuseUnknownNames } from '../src/option-names.ts';
import type { Bus } from './bus.ts';
import { keepAlive } from './keep-alive.ts';

export interface CloseOnSignalOptions {
  /** @default ['SIGINT', 'SIGTERM'] */
  readonly signals?: readonly NodeJS.Signals[];
}

/**
 * Closes `bus` at the first of the signals. Then the process ends by that signal, as it would have without this, unless the
 * application listens to it, too. A second signal ends the process at once. Returns what takes the listeners off again.
 * @throws {TypeError} for options out of range.
 */
export function closeOnSignal(bus: Pick<Bus, 'close'>, options: CloseOnSignalOptions = {}): () => void {
  refuseUnknownNames('closeOnSignal', options, ['signals']);
  const { signals = ['SIGINT', 'SIGTERM'] } = options;
  if (!Array.isArray(signals) || signals.length === 0) throw new TypeError('signals must be an array of signal names');
  const remove = () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    remove();
    void closeAndEnd(bus, signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return remove;
}

/** Buses that are being closed because of a signal: the last one ends the process. */
const closing = new Set<Pick<Bus, 'close'>>();

async function closeAndEnd(bus: Pick<Bus, 'close'>, signal: NodeJS.Signals): Promise<void> {
  closing.add(bus);
  const letGo = keepAlive();
  try {
    await bus.close();
  } finally {
    letGo();
    closing.delete(bus);
    if (closing.size === 0 && process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  }
}
