/**
 * A processor as actor logic: for machines of the user's own that invoke or spawn it, and find it by `systemId`.
 */
import type { AnyEvent, EventShape } from '../src/types.ts';
import { type ProcessorMachine, processorMachine } from './processor.machine.ts';
import type { ProcessorHost } from './processor-names.ts';
import { type ProcessorOptions, resolveProcessorOptions } from './processor-options.ts';
import { claimWhileAlive, processorPorts } from './processor-ports.ts';

/**
 * The machine of a processor, bound to the store of `host`. It starts with its actor; STOP ends it in its final state.
 * An actor takes the processor's name when it first needs its cursor, and has it until it ends: a second one of the name
 * fails with PROCESSOR_NAME_TAKEN.
 * @throws {TypeError} for options out of range.
 */
export function processorLogic<Events extends EventShape = AnyEvent, const Type extends string = string>(
  host: ProcessorHost,
  options: ProcessorOptions<Events, Type>,
): ProcessorMachine {
  const resolved = resolveProcessorOptions(options);
  const policy = { ...resolved, random: Math.random, now: () => host.store.now() };
  return processorMachine(policy, processorPorts(host, resolved, claimWhileAlive(host.names, resolved.name)));
}
