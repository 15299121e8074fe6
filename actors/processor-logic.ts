/**
 * A processor as actor logic: for machines of the user's own that invoke or spawn it, and find it by `systemId`.
 */
import type { AnyEvent, EventShape } from '../src/types.ts';
import { type Bus, processorHosts } from './bus.ts';
import { CursorLayout } from './cursor-layout.ts';
import { type ProcessorMachine, processorMachine } from './processor.machine.ts';
import type { Processor } from './processor.ts';
import type { ProcessorHost } from './processor-names.ts';
import { type ProcessorOptions, resolveProcessorOptions } from './processor-options.ts';
import { claimWhileAlive, processorPorts } from './processor-ports.ts';
import { ProgressMonitor } from './progress-monitor.ts';

/**
 * The machine of a processor on `bus`. It starts with its actor; STOP ends it in its final state; START, PAUSE, RESUME,
 * RETRY_NOW, SKIP and `{ type: 'RESET', to, until? }` do what the methods of {@link Processor} do. Closing the bus stops it.
 * An actor takes the processor's name when it first needs its cursor, and has it until it ends: a second one of the name
 * fails with PROCESSOR_NAME_TAKEN.
 * @throws {TypeError} for options out of range, for partitions (they are one handle of several machines), and for a bus that keeps no cursors: read-only, or connected.
 */
export function processorLogic<Events extends EventShape = AnyEvent, const Type extends string = string>(
  bus: Bus<Events>,
  options: ProcessorOptions<Events, Type>,
): ProcessorMachine {
  const host = processorHosts.get(bus);
  if (host === undefined) throw new TypeError('processors need a bus that writes, in the thread that opened it');
  return processorLogicOn(host, options);
}

/** The same on what the processors of a bus share. */
export function processorLogicOn<Events extends EventShape, const Type extends string>(
  host: ProcessorHost,
  options: ProcessorOptions<Events, Type>,
): ProcessorMachine {
  const resolved = resolveProcessorOptions(options);
  const { name, from, partitions } = resolved;
  if (partitions > 1) {
    throw new TypeError(
      'a machine runs one partition of a processor; several are for bus.processor: leave out partitions',
    );
  }
  const policy = { ...resolved, random: Math.random, now: () => host.store.now() };
  const parts = {
    claim: claimWhileAlive(host.names, name),
    monitor: new ProgressMonitor(host, resolved),
    layout: new CursorLayout(host, name, from, partitions),
    onGivenUp: () => undefined,
  };
  return processorMachine(policy, processorPorts(host, resolved, parts));
}
