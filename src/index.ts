/**
 * varvebus: an embedded, durable event store and reactive event bus.
 *
 * @packageDocumentation
 */

export type { Aggregate, Executed, Loaded } from '../actors/aggregate.ts';
export type {
  AggregateOptions,
  DecideContext,
  Decision,
  ExecuteOptions,
  SnapshotOptions,
} from '../actors/aggregate-options.ts';
export type { BusState } from '../actors/bus.machine.ts';
export { Bus, type StoreInfo } from '../actors/bus.ts';
export type { BusView } from '../actors/bus-view.ts';
export { type CloseOnSignalOptions, closeOnSignal } from '../actors/close-on-signal.ts';
export { type ConnectOptions, connectBus } from '../actors/connect.ts';
export type { CorrelationOptions } from '../actors/correlation.ts';
export type { DeadLetterChoice, DeadLetterFilter, DeadLetterListOptions } from '../actors/dead-letter-options.ts';
export type { DeadLetter, DeadLetters, RetryOutcome } from '../actors/dead-letters.ts';
export type { EncryptionInfo } from '../actors/encryption-info.ts';
export type {
  EncryptionOptions,
  MasterKeyBytes,
  MasterKeyOption,
  MasterKeyProvider,
  SealMode,
} from '../actors/encryption-options.ts';
export type { ErasedEvents } from '../actors/erased-events.ts';
export type { ErasedProjection, EraseTarget, ErasureReceipt } from '../actors/erasure.ts';
export type { CircuitOptions, FailureOptions, OnFailure, RetryOptions } from '../actors/failure-policy.ts';
export type { HandlerAnswer, HandlerAppendOptions, HandlerContext } from '../actors/handler-context.ts';
export type {
  EventsOptions,
  Listener,
  ListenOptions,
  LiveSubscription,
  Overflow,
  Wanted,
} from '../actors/listeners.ts';
export type { Logger } from '../actors/logger.ts';
export type { LagPlace, MaxLagOptions, MonitorOptions } from '../actors/monitor-options.ts';
export { openBus } from '../actors/open-bus.ts';
export type { Force, OpenOptions } from '../actors/options.ts';
export type { Processor, ResetOptions, WaitOptions } from '../actors/processor.ts';
export type {
  BatchHandler,
  CheckpointOptions,
  EventHandler,
  HandleBatch,
  HandleEach,
  HandleInThread,
  ProcessorCommonOptions,
  ProcessorOptions,
} from '../actors/processor-options.ts';
export type {
  ErrorSummary,
  ProcessorNumbers,
  ProcessorState,
  ProcessorStatus,
  ProcessorTag,
} from '../actors/processor-status.ts';
export type { Projection, ProjectionStatus } from '../actors/projection.ts';
export type {
  ErasedHandler,
  ErasedPart,
  ProjectionHandler,
  ProjectionHandlers,
  ProjectionOptions,
} from '../actors/projection-options.ts';
export type { ProjectionRangeOptions, ProjectionReader } from '../actors/projection-reader.ts';
export type { ProjectionEntry, ProjectionView } from '../actors/projection-view.ts';
export type { Accumulator, QueryDefinition, QueryOptions, QueryResult } from '../actors/query.ts';
export { detach } from './codec/event.ts';
export type { LetterError, LetterState } from './codec/letter-row.ts';
export { BusError, type ErrorCode, type ErrorDetails, isBusError } from './errors.ts';
export * as limits from './limits.ts';
export type { ConsumerInfo, ConsumerPartition, ConsumerPlace } from './log/consumers.ts';
export type { ProjectionRange } from './log/projection-range.ts';
export type { EventsOf, Schemas } from './log/schemas.ts';
export type { StoreIdentity } from './log/store-meta.ts';
export type { VerifyOptions, VerifyProblem, VerifyProgress, VerifyReport } from './log/verify.ts';
export type { ErasedProblem, VerifyErasedReport } from './log/verify-erased.ts';
export type { SealCounts } from './log/verify-seals.ts';
export { messagesStream } from './names.ts';
export type * from './types.ts';
