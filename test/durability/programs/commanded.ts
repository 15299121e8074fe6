/**
 * A process with a bus that does what it is told, line by line: see crash-bus.ts, which speaks to it.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Bus, isBusError, type OpenOptions, openBus, type StoredEvent } from '#store';
import type { BusCommand, BusReply, NamedError, Settled } from '../../kit/crash-bus.ts';

/** Without a listener the kernel ends a process that writes beyond `ulimit -f`; with one, the write fails. */
process.on('SIGXFSZ', () => undefined);

let opened: Bus | undefined;
const iterators = new Map<string, AsyncIterator<StoredEvent[]>>();

function bus(): Bus {
  if (opened === undefined) throw new Error('no bus is open');
  return opened;
}

const commands: Record<BusCommand['do'], (...given: never[]) => unknown> = {
  open: async (options: OpenOptions) => {
    opened = await openBus(options);
  },
  append: (...given: Parameters<Bus['append']>) => bus().append(...given),
  appendAll: (calls: readonly Parameters<Bus['append']>[]) =>
    Promise.all(
      calls.map((given) =>
        bus()
          .append(...given)
          .then(
            (value): Settled => ({ value }),
            (error: unknown): Settled => ({ error: named(error) }),
          ),
      ),
    ),
  head: () => bus().head,
  read: async () => {
    const events: StoredEvent[] = [];
    for await (const event of bus().read()) events.push(event);
    return events;
  },
  stream: (stream: string) => bus().stream(stream),
  verify: () => bus().verify(),
  startReading: (name: string) => {
    iterators.set(name, bus().read().pages()[Symbol.asyncIterator]());
  },
  startFollowing: (name: string, after: number) => {
    iterators.set(name, bus().subscribe({ after }).pages()[Symbol.asyncIterator]());
  },
  nextPage: async (name: string) => {
    const next = await iterators.get(name)?.next();
    return next === undefined || next.done === true ? null : next.value.map(({ position, id }) => [position, id]);
  },
  fault: (fault: string) => {
    // The preloaded library takes this line for itself.
    writeSync(2, `crash-fault ${fault}\n`);
  },
  close: async () => {
    await bus().close();
    opened = undefined;
  },
};

function named(error: unknown): NamedError {
  if (!(error instanceof Error)) return { name: 'unknown', message: String(error) };
  const { name, message } = error;
  const isOfBus = isBusError(error, (error as unknown as { code: Parameters<typeof isBusError>[1] }).code);
  return isOfBus
    ? { name, message, code: error.code, detail: error.detail }
    : { name, message: error.stack ?? message };
}

/** Several commands may run at a time: an answer carries the number of its command. */
async function obey({ number, do: name, given }: BusCommand): Promise<void> {
  let reply: BusReply;
  try {
    const command = commands[name] as (...given: unknown[]) => unknown;
    reply = { number, value: await command(...given) };
  } catch (error) {
    reply = { number, error: named(error) };
  }
  writeSync(1, `${JSON.stringify(reply)}\n`);
}

createInterface({ input: process.stdin }).on('line', (line) => void obey(JSON.parse(line) as BusCommand));
