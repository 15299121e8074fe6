/**
 * The names of the options each method takes. A name that is none of them is refused: ignored, a misspelt `durability`
 * would cost durability.
 */
import type {
  AppendManyOptions,
  AppendOptions,
  CancelTimerOptions,
  PublishOptions,
  ReadOptions,
  ReadStreamOptions,
  ScheduleOptions,
  StreamsOptions,
  SubscribeOptions,
  TimersOptions,
} from './types.ts';

const append: readonly (keyof AppendOptions)[] = [
  'expectedVersion',
  'idempotencyKey',
  'metadata',
  'newKeyGeneration',
  'signal',
];
const appendMany: readonly (keyof AppendManyOptions)[] = ['idempotencyKey', 'metadata', 'newKeyGeneration', 'signal'];
const publish: readonly (keyof PublishOptions)[] = ['stream', 'metadata', 'signal'];
const read: readonly (keyof ReadOptions)[] = [
  'from',
  'to',
  'direction',
  'limit',
  'types',
  'streams',
  'prefix',
  'signal',
];
const readStream: readonly (keyof ReadStreamOptions)[] = ['from', 'to', 'direction', 'limit', 'signal'];
const subscribe: readonly (keyof SubscribeOptions)[] = ['after', 'types', 'streams', 'prefix', 'signal'];
const streams: readonly (keyof StreamsOptions)[] = ['prefix', 'after', 'limit', 'signal'];
const schedule: readonly (keyof ScheduleOptions)[] = ['at', 'delayMs', 'key', 'metadata', 'signal'];
const cancelTimer: readonly (keyof CancelTimerOptions)[] = ['signal'];
const timers: readonly (keyof TimersOptions)[] = ['from', 'to', 'limit', 'signal'];

const namesByMethod = {
  append,
  appendMany,
  publish,
  read,
  readStream,
  subscribe,
  streams,
  schedule,
  cancelTimer,
  timers,
} as const;

/** @throws {TypeError} for an option that `method` of a bus does not have. */
export function checkOptionNames(method: keyof typeof namesByMethod, options: object): void {
  refuseUnknownNames(method, options, namesByMethod[method]);
}

/** @throws {TypeError} naming the first property of `options` that is not in `names`. */
export function refuseUnknownNames(what: string, options: object, names: readonly string[]): void {
  for (const name in options) {
    if (names.includes(name)) continue;
    throw new TypeError(`${what} has no option ${JSON.stringify(name)}; it has ${names.join(', ')}`);
  }
}
