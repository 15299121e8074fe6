/**
 * What an encoder says when it can't store a value: which event, where in it, and why.
 *
 * Owns the notation of paths (described at `encodePayload`). Does not decide what is refused.
 */
import { BusError } from '../errors.ts';
import { eventBytesMax, payloadDepthMax } from '../limits.ts';

/**
 * A step from a container to one of its members: the name of a property, or a number that holds an ordinal and the kind of
 * member. `undefined` is the container itself.
 */
type Step = string | symbol | number | undefined;

/** Where a walk stands. */
export interface Place {
  /** Place of the event in its call. */
  index: number;
  root: 'data' | 'metadata';
  rootValue: unknown;
  /** Containers entered and not left. */
  depth: number;
  /** `steps[n]` leads on from the container at depth n + 1. What lies beyond `depth` is left over. */
  readonly steps: Step[];
  /** The refusal thrown, if any: tells it from what user code threw. */
  refusal: Error | undefined;
}

const stepKinds = 4;
const mapKey = 1;
const mapValue = 2;
const setItem = 3;

// An ordinal times the number of kinds, plus the kind: steps are made for each member, so they must not allocate.
export const itemStep = (ordinal: number): number => ordinal * stepKinds;
export const mapKeyStep = (ordinal: number): number => ordinal * stepKinds + mapKey;
export const mapValueStep = (ordinal: number): number => ordinal * stepKinds + mapValue;
export const setItemStep = (ordinal: number): number => ordinal * stepKinds + setItem;

/** The refusal of the value at `place`, to be thrown. */
export function refuse(place: Place, what: string, options?: ErrorOptions): Error {
  const path = formatPath(place.root, stepsTo(place));
  place.refusal = invalid(place, path, what, options);
  return place.refusal;
}

/** The refusal of whatever would make the payload `bytes` long. */
export function refuseSize(place: Place, bytes: number): Error {
  place.refusal = new BusError(
    'EVENT_TOO_LARGE',
    `event ${place.index}: its ${place.root} is at least ${bytes} bytes long, more than the ${eventBytesMax} of an event`,
    { limit: 'eventBytesMax', max: eventBytesMax, actual: bytes },
  );
  return place.refusal;
}

/** The refusal of a container that is too deep, perhaps without end. */
export function refuseDepth(place: Place): Error {
  const steps = stepsTo(place);
  const cycle = findCycle(place.rootValue, steps);
  if (cycle === undefined) return refuse(place, `is nested deeper than ${payloadDepthMax} levels`);
  const path = formatPath(place.root, steps.slice(0, cycle.end));
  const what = `is ${formatPath(place.root, steps.slice(0, cycle.start))} again: a value can't contain itself`;
  place.refusal = invalid(place, path, what);
  return place.refusal;
}

function invalid(place: Place, path: string, what: string, options?: ErrorOptions): BusError<'EVENT_INVALID'> {
  const message = `event ${place.index} can't be stored: ${shorten(path)} ${what}`;
  return new BusError('EVENT_INVALID', message, { index: place.index, path }, options);
}

function stepsTo(place: Place): Step[] {
  const steps = place.steps.slice(0, place.depth);
  return steps.at(-1) === undefined ? steps.slice(0, -1) : steps;
}

const pathInMessageMax = 300;

function shorten(path: string): string {
  return path.length <= pathInMessageMax ? path : `${path.slice(0, pathInMessageMax)}…`;
}

/** `data.items[3].price`: a path from `root`, in the notation described at `encodePayload`. */
export function formatPath(root: string, steps: readonly Step[]): string {
  return root + steps.map(formatStep).join('');
}

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

function formatStep(step: Step): string {
  if (typeof step === 'number') return formatOrdinal(step % stepKinds, Math.floor(step / stepKinds));
  if (typeof step !== 'string') return `[${String(step)}]`;
  return identifier.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function formatOrdinal(kind: number, ordinal: number): string {
  if (kind === mapKey) return `<key ${ordinal}>`;
  if (kind === mapValue) return `<value ${ordinal}>`;
  return kind === setItem ? `<item ${ordinal}>` : `[${ordinal}]`;
}

/** Along `steps`, the first value met twice: the numbers of steps to it. Reads no getter, so it may miss one. */
function findCycle(root: unknown, steps: readonly Step[]): { start: number; end: number } | undefined {
  const lengthByValue = new Map<unknown, number>();
  let value = root;
  for (let end = 0; end <= steps.length; end++) {
    const start = lengthByValue.get(value);
    if (start !== undefined) return { start, end };
    if (typeof value !== 'object' || value === null) return undefined;
    lengthByValue.set(value, end);
    value = follow(value, steps[end]);
  }
  return undefined;
}

function follow(value: object, step: Step): unknown {
  if (typeof step !== 'number') return Object.getOwnPropertyDescriptor(value, step ?? '')?.value;
  const ordinal = Math.floor(step / stepKinds);
  const kind = step % stepKinds;
  if (kind === mapKey) return [...(value as Map<unknown, unknown>).keys()][ordinal];
  if (kind === mapValue) return [...(value as Map<unknown, unknown>).values()][ordinal];
  if (kind === setItem) return [...(value as Set<unknown>)][ordinal];
  return Object.getOwnPropertyDescriptor(value, ordinal)?.value;
}
