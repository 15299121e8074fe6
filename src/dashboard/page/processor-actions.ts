/**
 * What can be ordered of a processor on its page, and what is possible now. Pure.
 */
import type { ProcessorOrder } from '../../../actors/bus-status.ts';
import type { ActionName, OrderOfAction } from '../wire.ts';
import type { IconName } from './parts/icons.ts';

export type ProcessorAction = Exclude<ActionName, 'retry-letters' | 'discard-letters'>;

export interface ActionButton {
  readonly action: ProcessorAction;
  readonly title: string;
  /** Before the name of the processor. */
  readonly question: string;
  readonly icon: IconName;
  /** It passes or repeats events. */
  readonly isRisky: boolean;
  readonly isPossible: boolean;
  /** What it does, in a line. */
  readonly what: string;
}

interface Action<Order = ProcessorOrder | undefined> {
  /** `undefined`: it is possible at all times. */
  readonly order: Order;
  readonly title: string;
  /** @default its title */
  readonly question?: string;
  readonly icon: IconName;
  readonly isRisky?: true;
  readonly of?: 'processor' | 'projection';
  readonly what: string;
}

type OrderOf<Name> = Name extends keyof OrderOfAction ? OrderOfAction[Name] : undefined;

/** In the order in which their buttons stand. */
const actions: { readonly [Name in ProcessorAction]: Action<OrderOf<Name>> } = {
  start: { order: 'START', title: 'Start', icon: 'play', what: 'Goes on from its saved position.' },
  resume: { order: 'RESUME', title: 'Resume', icon: 'play', what: 'Goes on after a pause or a failure.' },
  pause: { order: 'PAUSE', title: 'Pause', icon: 'pause', what: 'Saves its position and rests until it is resumed.' },
  retry: {
    order: 'RETRY_NOW',
    title: 'Retry now',
    question: 'Retry',
    icon: 'retry',
    what: 'Tries again what failed, without waiting.',
  },
  skip: {
    order: 'SKIP',
    title: 'Skip',
    question: 'Skip the failing event of',
    icon: 'skip',
    isRisky: true,
    what: 'Passes the event that fails, and goes on.',
  },
  reset: {
    order: 'RESET',
    title: 'Reset',
    icon: 'reset',
    isRisky: true,
    of: 'processor',
    what: 'Moves its position: events behind it are handled again, events before it are passed.',
  },
  rebuild: {
    order: undefined,
    title: 'Rebuild',
    icon: 'reset',
    isRisky: true,
    of: 'projection',
    what: 'Builds the projection again from the first event. What was built before is read until then.',
  },
  stop: {
    order: 'STOP',
    title: 'Stop',
    icon: 'stop',
    what: 'Finishes what it does, saves its position and ends. It can be started again.',
  },
};

/**
 * The buttons of a processor, all that may be pressed at some time: `allowed` has what may be ordered here at all, `can` the
 * orders that would change something in each of its lanes now.
 */
export function actionButtons(
  kind: 'processor' | 'projection',
  allowed: readonly ActionName[],
  can: readonly (readonly ProcessorOrder[])[],
): ActionButton[] {
  const buttons: ActionButton[] = [];
  for (const [name, { order, title, question = title, icon, isRisky, of, what }] of Object.entries<Action>(actions)) {
    const action = name as ProcessorAction;
    if (!allowed.includes(action) || (of !== undefined && of !== kind)) continue;
    const isPossible = can.some((orders) => order === undefined || orders.includes(order));
    buttons.push({ action, title, question, icon, isRisky: isRisky === true, isPossible, what });
  }
  return buttons;
}

/** The position in a text, if it is one: a whole number from 0 to `head`. */
export function positionIn(text: string, head: number): number | undefined {
  const digits = text.replaceAll(/[\s,_.']/g, '');
  const position = Number(digits);
  return digits !== '' && Number.isSafeInteger(position) && position >= 0 && position <= head ? position : undefined;
}
