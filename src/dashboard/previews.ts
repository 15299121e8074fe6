/**
 * What an order would do, for people, before they confirm it: counted in the log as far as the time for an answer goes.
 */
import type { ProcessorImage } from '../../actors/bus-status.ts';
import type { ProcessorStatus } from '../../actors/processor-status.ts';
import { searchLog } from './log-search.ts';
import { imageOf, type ProcessorAction, processorActions } from './orders.ts';
import { choiceIn, positionIn } from './query.ts';
import { badRequest } from './refusal.ts';
import type { Source } from './source.ts';
import type { Preview } from './wire.ts';

/** @throws {Refusal} {ABORTED} {STORE_CORRUPT} {STORE_CLOSED} */
export async function preview(
  source: Source,
  name: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<Preview> {
  const action = choiceIn(query, 'action', processorActions);
  if (action === undefined) throw badRequest(`action must be one of ${processorActions.join(', ')}`);
  return previewOf(action, source, name, query, signal);
}

async function previewOf(
  action: ProcessorAction,
  source: Source,
  name: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<Preview> {
  const image = imageOf(source, name);
  const { position } = image.status.context;
  const { head } = source.bus;
  const count = (low: number, high: number) => countWanted(source, image, low, high, signal);
  switch (action) {
    case 'start':
    case 'resume': {
      const events = await count(position + 1, head);
      return { text: `It goes on behind position ${position}. What waits there is handled next.`, ...events };
    }
    case 'stop':
      return { text: 'It ends when its handler is done, with its position saved. It can be started again.' };
    case 'pause':
      return { text: 'It saves its position and rests until it is told to resume. Events wait in the log meanwhile.' };
    case 'retry':
      return { text: `It tries again now${failingText(image)}, without waiting.` };
    case 'skip':
      return skipPreview(image);
    case 'rebuild': {
      const events = await count(1, head);
      return {
        text: 'It is built anew from the beginning, beside what is read; then the new build is read.',
        ...events,
      };
    }
    case 'reset':
      return resetPreview(image, head, query, count);
  }
}

type Counted = Pick<Preview, 'events' | 'isAtLeast'>;

async function resetPreview(
  { status }: ProcessorImage,
  head: number,
  query: URLSearchParams,
  count: (low: number, high: number) => Promise<Counted>,
): Promise<Preview> {
  const to = positionIn(query, 'to', 0);
  if (to === undefined || to > head) throw badRequest(`to must be a position from 0 to ${head}`);
  const farthest = Math.max(...positionsOf(status));
  const nearest = Math.min(...positionsOf(status));
  const until = positionIn(query, 'until', 0);
  const behind = until === undefined ? '' : ` It pauses behind position ${until}.`;
  if (to < farthest) {
    const events = await count(to + 1, Math.min(farthest, until ?? farthest));
    return {
      text: `It goes back to position ${to}: what it has handled behind that is handled again.${behind}`,
      ...events,
    };
  }
  if (to === nearest) return { text: `It is at position ${to} already: nothing is handled again.${behind}`, events: 0 };
  const events = await count(nearest + 1, to);
  return { text: `It goes forward to position ${to}: what is before that is never handled.${behind}`, ...events };
}

/** Of all partitions. */
function positionsOf({ context, partitions = [] }: ProcessorStatus): readonly number[] {
  return [context.position, ...partitions.map((part) => part.context.position)];
}

function skipPreview({ lanes }: ProcessorImage): Preview {
  const failing = lanes.flatMap((lane) => lane.failing ?? []);
  const [first] = failing;
  if (first === undefined) return { text: 'It passes the event that fails, as soon as it is known which one does.' };
  if (failing.length > 1) {
    return { text: `It passes the event that fails in each of ${failing.length} partitions.`, events: failing.length };
  }
  const { position, stream, type } = first;
  const text = `It passes the event at position ${position}, ${JSON.stringify(type)} of ${JSON.stringify(stream)}: it counts as skipped, and is not handled.`;
  return { text, events: 1 };
}

function failingText({ lanes }: ProcessorImage): string {
  const failing = lanes.find((lane) => lane.failing !== undefined)?.failing;
  return failing === undefined ? '' : ` to handle the event at position ${failing.position}`;
}

/** Events from `low` to `high` that it is for. A filter that is a function is not asked: then there may be fewer. */
async function countWanted(
  { bus }: Source,
  { wants }: ProcessorImage,
  low: number,
  high: number,
  signal: AbortSignal,
): Promise<Counted> {
  if (low > high) return { events: 0 };
  const { types, streams, prefix } = wants;
  if (types === undefined && streams === undefined && prefix === undefined) return { events: high - low + 1 };
  let events = 0;
  const left = await searchLog(bus, { filter: wants, low, high, direction: 'forward', signal }, () => {
    events++;
    return true;
  });
  return left === undefined ? { events } : { events, isAtLeast: true };
}
