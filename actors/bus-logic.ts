/**
 * A whole bus as actor logic: opened when the actor starts, closed when it stops.
 *
 * The bus itself is not in the actor's snapshot, which stays plain JSON: {@link busOf} finds it by the actor.
 */
import { type AnyActorRef, fromCallback, fromPromise, setup } from 'xstate';
import type { AnyEvent, EventShape } from '../src/types.ts';
import type { Bus } from './bus.ts';
import { openBus } from './open-bus.ts';
import type { OpenOptions } from './options.ts';

const busByActor = new WeakMap<AnyActorRef, Bus>();

/**
 * The bus of an actor of {@link busLogic}.
 * @throws {TypeError} while it is not open yet, or not any more.
 */
export function busOf<Events extends EventShape = AnyEvent>(actor: AnyActorRef): Bus<Events> {
  const bus = busByActor.get(actor);
  const { status, value } = actor.getSnapshot();
  if (bus === undefined || status !== 'active' || value !== 'open')
    throw new TypeError('this actor has no open bus: wait until it is in the state open');
  return bus as unknown as Bus<Events>;
}

/**
 * States: `opening`, `open`, `closing`, `closed` (final). CLOSE closes the bus in order and ends the actor; an actor that is
 * stopped closes its bus in the background. A store that can't be opened fails the actor with its BusError.
 */
export function busLogic(options: OpenOptions) {
  return setup({
    types: { events: {} as { readonly type: 'CLOSE' }, context: {} as Record<string, never> },
    actors: {
      open: fromPromise<void, { readonly actor: AnyActorRef }>(async ({ input: { actor }, signal }) => {
        const bus = await openBus({ ...options, signal: AbortSignal.any([signal, ...given(options.signal)]) });
        if (signal.aborted) await bus.close();
        else busByActor.set(actor, bus);
      }),
      /** There as long as the actor: its end, however it comes, closes the bus. */
      hold: fromCallback<{ type: 'none' }, { readonly actor: AnyActorRef }>(({ input: { actor } }) => {
        return () => void release(actor);
      }),
      close: fromPromise<void, { readonly actor: AnyActorRef }>(({ input: { actor } }) => release(actor)),
    },
  }).createMachine({
    id: 'bus',
    context: {},
    initial: 'opening',
    invoke: { src: 'hold', input: ({ self }) => ({ actor: self }) },
    states: {
      opening: {
        invoke: { src: 'open', input: ({ self }) => ({ actor: self }), onDone: 'open' },
        on: { CLOSE: 'closed' },
      },
      open: { on: { CLOSE: 'closing' } },
      closing: { invoke: { src: 'close', input: ({ self }) => ({ actor: self }), onDone: 'closed' } },
      closed: { type: 'final' },
    },
  });
}

/** Closes the bus of `actor`, if it has one; the second call waits for the same end. */
async function release(actor: AnyActorRef): Promise<void> {
  await busByActor.get(actor)?.close();
}

function given<Value>(value: Value | undefined): Value[] {
  return value === undefined ? [] : [value];
}
