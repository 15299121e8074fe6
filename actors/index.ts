/**
 * varvebus/actors: the parts of a bus as XState actor logic, for machines of your own.
 *
 * @packageDocumentation
 */
export { busLogic, busOf } from './bus-logic.ts';
export type {
  ProcessorEvent,
  ProcessorInput,
  ProcessorMachine,
  ProcessorOutput,
} from './processor.machine.ts';
export { processorLogic } from './processor-logic.ts';
export { type Answered, type QueryFailed, type QueryOrder, readersLogic } from './readers-logic.ts';
export { type BackoffOptions, type RestartPlanned, type SuperviseOptions, supervise } from './supervise.ts';
export { type Appended, type AppendOrder, type AppendRefused, writerLogic } from './writer-logic.ts';
