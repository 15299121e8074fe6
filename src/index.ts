/**
 * varvebus: an embedded, durable event store and reactive event bus.
 *
 * @packageDocumentation
 */
export { Bus, openBus, type StoreInfo } from '../actors/bus.ts';
export { type ConnectOptions, connectBus } from '../actors/connect.ts';
export type { Force, OpenOptions } from '../actors/options.ts';
export { detach } from './codec/event.ts';
export { BusError, type ErrorCode, type ErrorDetails, isBusError } from './errors.ts';
export * as limits from './limits.ts';
export type { StoreIdentity } from './log/store-meta.ts';
export type { VerifyOptions, VerifyProblem, VerifyReport } from './log/verify.ts';
export type * from './types.ts';
