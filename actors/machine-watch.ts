/**
 * Follows a machine while somebody looks: the transition it took last, by which event, and the messages that it and the actors
 * below it are given.
 *
 * XState tells the observers of a whole system, inside the transitions themselves, at twice the cost of a transition; and what
 * an observer throws would break them. So nothing is observed before {@link MachineWatch.follow} and after
 * {@link MachineWatch.stop}, and nothing thrown gets out.
 */
import type { AnyActor, AnyActorRef, InspectionEvent, StateValue } from 'xstate';
import type { Transition } from './bus-status.ts';

/** Of the type of an event: users' machines may be given any text. */
const eventCharactersMax = 200;

export interface MachineWatchOptions {
  /** In milliseconds since 1970. */
  readonly now: () => number;
  /** The machine has taken a transition: it is in {@link MachineWatch.transition}. Must not throw. */
  readonly onTransition: (transition: Transition) => void;
  /** The machine, or another actor of its system, was given a message. Must not throw. */
  readonly onMessage: (actor: AnyActorRef) => void;
  /** It could not be followed any further: code of a foreign actor threw. Must not throw. */
  readonly onError: (error: unknown) => void;
}

export class MachineWatch {
  readonly #options: MachineWatchOptions;
  #observing: { unsubscribe(): void } | undefined;
  #active: readonly string[] = [];
  /** One of the steps of the transition under way has led somewhere. */
  #hasMoved = false;
  #transition: Transition | undefined;

  constructor(options: MachineWatchOptions) {
    this.#options = options;
  }

  /** The last one since the watch began, of whatever actor it followed. */
  get transition(): Transition | undefined {
    return this.#transition;
  }

  /** Follows `actor` from now on, and no other. @throws what a foreign actor throws */
  follow(actor: AnyActor): void {
    this.stop();
    this.#active = pathsOf(actor.getSnapshot());
    this.#hasMoved = false;
    this.#observing = actor.system.inspect((event: InspectionEvent) => this.#guarded(actor, event));
  }

  stop(): void {
    this.#observing?.unsubscribe();
    this.#observing = undefined;
  }

  #guarded(actor: AnyActor, event: InspectionEvent): void {
    try {
      this.#observe(actor, event);
    } catch (error) {
      this.stop();
      this.#options.onError(error);
    }
  }

  #observe(actor: AnyActor, event: InspectionEvent): void {
    if (event.type === '@xstate.event') {
      if (event.event.type !== 'xstate.init') this.#options.onMessage(event.actorRef as AnyActorRef);
    } else if (event.actorRef !== actor) {
      return;
    } else if (event.type === '@xstate.microstep') {
      this.#hasMoved ||= event._transitions.some(({ target }) => target !== undefined);
    } else if (event.type === '@xstate.snapshot') {
      if (this.#hasMoved) this.#moved(pathsOf(event.snapshot), event.event.type);
      this.#hasMoved = false;
    }
  }

  #moved(to: readonly string[], event: string): void {
    const { now, onTransition } = this.#options;
    const number = (this.#transition?.number ?? 0) + 1;
    this.#transition = { from: this.#active, to, event: event.slice(0, eventCharactersMax), atMs: now(), number };
    this.#active = to;
    onTransition(this.#transition);
  }
}

/** The paths of the active states in a snapshot, outermost first; none if it is not of a machine. */
export function pathsOf(snapshot: object): readonly string[] {
  const value = 'value' in snapshot ? snapshot.value : undefined;
  return typeof value === 'string' || (typeof value === 'object' && value !== null)
    ? activePaths(value as StateValue)
    : [];
}

function activePaths(value: StateValue, parent = ''): readonly string[] {
  if (typeof value === 'string') return [parent + value];
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = parent + key;
    return [path, ...(inner === undefined ? [] : activePaths(inner, `${path}.`))];
  });
}
