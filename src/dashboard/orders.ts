/**
 * Orders from the page: what is allowed is checked here once more, whatever the page shows, and done by the handles that the
 * app has itself.
 */
import type { Bus } from '../../actors/bus.ts';
import type { LaneImage, ProcessorImage, ProcessorOrder } from '../../actors/bus-status.ts';
import type { Processor } from '../../actors/processor.ts';
import type { Projection } from '../../actors/projection.ts';
import { isBusError } from '../errors.ts';
import { u48Max } from '../limits.ts';
import { badRequest, notFound, Refusal } from './refusal.ts';
import type { Source } from './source.ts';
import type { ActionDone, ActionName, ActionOrder, OrderOfAction } from './wire.ts';

/** Actions on one processor or projection. */
export const processorActions = ['start', 'stop', 'pause', 'resume', 'retry', 'skip', 'reset', 'rebuild'] as const;
export type ProcessorAction = (typeof processorActions)[number];

const orderOfAction: OrderOfAction & Partial<Readonly<Record<ActionName, ProcessorOrder>>> = {
  start: 'START',
  stop: 'STOP',
  pause: 'PAUSE',
  resume: 'RESUME',
  retry: 'RETRY_NOW',
  skip: 'SKIP',
  reset: 'RESET',
};

/** How long an answer waits for what was ordered; it is done nevertheless. Milliseconds. */
export const answerMaxMs = 3000;

/** What of a request an order is made of. */
export interface OrderRequest {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Does `action`, if the machine allows it. @throws {Refusal} and what the handle throws */
export async function orderProcessor(
  source: Source,
  action: ProcessorAction,
  { name, body }: OrderRequest,
): Promise<ActionDone> {
  const image = imageOf(source, name);
  if (!isPossible(image, action)) {
    const message = `${JSON.stringify(name)} is ${image.status.state}: there is nothing to ${action} now`;
    throw new Refusal(409, 'NOT_POSSIBLE', message);
  }
  const { bus } = source;
  const projection = bus.projections.find((one) => one.name === name);
  if (projection !== undefined) return orderProjection(projection, action);
  const processor = bus.processors.find((one) => one.name === name);
  if (processor === undefined) throw ranElsewhere(name);
  if (action === 'reset') return reset(bus, processor, body);
  if (action === 'rebuild') throw badRequest('only a projection can be built anew');
  return orderRun(processor, action);
}

/** The image of a processor that runs, as it is now. @throws {Refusal} */
export function imageOf(source: Source, name: string): ProcessorImage {
  const image = source.look()?.processors.find((one) => one.name === name);
  if (image === undefined) throw notFound(`the processor ${JSON.stringify(name)}`);
  return image;
}

/** Whether it would change something now. */
function isPossible({ kind, lanes }: ProcessorImage, action: ActionName): boolean {
  if (action === 'rebuild') return kind === 'projection';
  if (action === 'reset' && kind === 'projection') return false;
  const order = orderOfAction[action];
  return order === undefined || lanes.some((lane) => can(lane, order));
}

function can(lane: LaneImage, order: ProcessorOrder): boolean {
  return lane.can.includes(order);
}

async function orderProjection(projection: Projection, action: ProcessorAction): Promise<ActionDone> {
  if (action === 'reset') throw badRequest('a projection is built anew instead: rebuild');
  if (action !== 'rebuild') return orderRun(projection, action);
  const isDone = await within(projection.rebuild());
  return { text: isDone ? 'A new build has begun beside what is read.' : 'A new build begins as soon as it can.' };
}

type Runner = Pick<Processor, 'start' | 'stop' | 'pause' | 'resume' | 'retryNow' | 'skip'>;

async function orderRun(runner: Runner, action: Exclude<ProcessorAction, 'reset' | 'rebuild'>): Promise<ActionDone> {
  switch (action) {
    case 'start':
      runner.start();
      return { text: 'It starts.' };
    case 'stop':
      return { text: (await within(runner.stop())) ? 'It has stopped.' : 'It stops when its handler is done.' };
    case 'pause':
      runner.pause();
      return { text: 'It pauses when its handler is done.' };
    case 'resume':
      runner.resume();
      return { text: 'It goes on.' };
    case 'retry':
      runner.retryNow();
      return { text: 'It tries again.' };
    case 'skip':
      runner.skip();
      return { text: 'It passes the event.' };
  }
}

async function reset(bus: Bus, processor: Processor, body: OrderRequest['body']): Promise<ActionDone> {
  const { head } = bus;
  const to = positionIn(body, 'to', head);
  if (to === undefined) throw badRequest('a reset needs to, a position');
  const until = positionIn(body, 'until', u48Max);
  const isDone = await within(processor.reset(until === undefined ? { to } : { to, until }));
  return { text: isDone ? `It goes on behind position ${to}.` : `It goes to position ${to} when its handler is done.` };
}

function positionIn(body: OrderRequest['body'], name: keyof ActionOrder, most: number): number | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined;
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number;
  throw badRequest(`${name} must be a position from 0 to ${most}`);
}

/** Whether `done` came in time to be told; what it fails with later is told by the machine's own state. */
export async function within(done: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), answerMaxMs).unref();
  });
  done.catch(() => undefined);
  try {
    return await Promise.race([done.then(() => true as const), late]);
  } catch (error) {
    if (isBusError(error, 'ABORTED')) return false;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function ranElsewhere(name: string): Refusal {
  const message = `${JSON.stringify(name)} is run by a machine of the app's own: it is not ordered from here`;
  return new Refusal(409, 'NOT_POSSIBLE', message);
}
