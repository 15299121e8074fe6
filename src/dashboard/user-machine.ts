/**
 * One machine of the user's, or an actor of any other logic: what it shows, guarded against whatever it throws.
 */
import type { AnyActor, AnyActorRef, AnyStateMachine } from 'xstate';
import type { ActorImage } from '../../actors/bus-status.ts';
import { CaughtError } from '../../actors/caught-error.ts';
import { Derived } from '../../actors/derived.ts';
import { MachineWatch, pathsOf } from '../../actors/machine-watch.ts';
import { Recent } from '../../actors/recent.ts';
import { keptError } from '../../actors/set-aside.ts';
import { dashboardMachineChangesMax } from '../limits.ts';
import type { Redaction } from './redaction.ts';
import { cut } from './shown-text.ts';
import type { MachineChange, MachineImage } from './wire.ts';

/** Of a name, a state or a message that is shown. */
const textCharactersMax = 500;
/** Actors below actors below actors: deeper ones are left out. */
const depthMax = 32;

/** What all actors have, by what is known of them: nothing, before it is tried. */
interface Look {
  readonly status: string;
  readonly active: readonly string[];
  readonly error?: unknown;
}

export interface UserMachineOptions {
  readonly redaction: Redaction;
  /** Whether an id is not taken yet. */
  readonly isFree: (id: string) => boolean;
}

export class UserMachine {
  readonly id: string;
  readonly #actor: AnyActorRef;
  readonly #title: string;
  readonly #redaction: Redaction;
  readonly #image = new Derived<MachineImage>();
  readonly #errorText = new Derived<string>();
  readonly #newestFirst = new Derived<readonly MachineChange[]>();
  readonly #lookers = new Set<{ readonly onChange: () => void }>();
  #changes = new Recent<MachineChange>(dashboardMachineChangesMax);
  #messages = new WeakMap<object, number>();
  #watch: MachineWatch | undefined;
  /** Why it can't be followed. */
  #failure: CaughtError | undefined;
  #isTelling = false;

  constructor(actor: AnyActorRef, { redaction, isFree }: UserMachineOptions) {
    this.#actor = actor;
    this.#redaction = redaction;
    this.#title = titleOf(actor);
    let id = this.#title;
    for (let number = 2; !isFree(id); number++) id = `${this.#title}-${number}`;
    this.id = id;
  }

  get image(): MachineImage {
    const { status, active, error: thrown } = lookAt(this.#actor);
    const error = this.#errorOf(thrown);
    const transition = this.#watch?.transition;
    return this.#image.of([status, error, transition, ...active], () => ({
      id: this.id,
      title: this.#title,
      status,
      active,
      ...(transition !== undefined && { transition }),
      ...(error !== undefined && { error }),
    }));
  }

  get changes(): readonly MachineChange[] {
    const { list } = this.#changes;
    return this.#newestFirst.of([list], () => list.toReversed());
  }

  get logic(): AnyStateMachine | undefined {
    return read(() => {
      const { logic } = this.#actor as Partial<AnyActor>;
      return logic !== undefined && 'root' in logic && 'config' in logic ? (logic as AnyStateMachine) : undefined;
    });
  }

  /** It and the actors below it, at most so many. */
  actors(max: number): ActorImage[] {
    const rows: ActorImage[] = [];
    const add = (actor: AnyActorRef, parent: string | undefined, depth: number): void => {
      if (rows.length >= max || depth > depthMax) return;
      const row = this.#row(actor, parent);
      rows.push(row);
      for (const child of childrenOf(actor)) add(child, row.id, depth + 1);
    };
    add(this.#actor, undefined, 0);
    return rows;
  }

  /** Follows it until what is returned is called; `onChange` must not throw. */
  attach(onChange: () => void): () => void {
    const looker = { onChange };
    this.#lookers.add(looker);
    if (this.#lookers.size === 1) this.#begin();
    return () => {
      if (this.#lookers.delete(looker) && this.#lookers.size === 0) this.#end();
    };
  }

  #begin(): void {
    this.#changes = new Recent(dashboardMachineChangesMax);
    this.#messages = new WeakMap();
    this.#failure = undefined;
    const fail = (error: unknown) => {
      this.#failure = CaughtError.of(error);
      this.#tell();
    };
    const watch = new MachineWatch({
      now: () => Date.now(),
      onTransition: ({ atMs, event, to }) => {
        this.#changes.add({ atMs, event, to });
        this.#tell();
      },
      onMessage: (actor) => {
        this.#messages.set(actor, this.#messagesOf(actor) + 1);
        this.#tell();
      },
      onError: fail,
    });
    this.#watch = watch;
    try {
      watch.follow(this.#actor as AnyActor);
    } catch (error) {
      fail(error);
    }
  }

  /** What is to be said of what it ended with, or was thrown by it, or of why it can't be followed. */
  #errorOf(thrown: unknown): string | undefined {
    if (thrown === undefined && this.#failure === undefined) return undefined;
    const error = keptError(thrown === undefined ? (this.#failure as CaughtError) : CaughtError.of(thrown));
    return this.#errorText.of([thrown === undefined, error.name, error.code, error.message, error.stack], () => {
      const { name, message } = this.#redaction.ofError(error);
      const text = `${name}: ${message}`;
      return cut(thrown === undefined ? `it can't be followed: ${text}` : text, textCharactersMax);
    });
  }

  #end(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }

  /** When what it does now is done: an actor whose own code throws says nothing afterwards. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const { onChange } of this.#lookers) onChange();
    });
  }

  #row(actor: AnyActorRef, parent: string | undefined): ActorImage {
    const { status, active } = lookAt(actor);
    const name = parent === undefined ? this.#title : titleOf(actor);
    const id = parent === undefined ? `user:${this.id}` : `${parent}/${read(() => actor.sessionId) ?? name}`;
    const leaves = active.filter((path) => !active.some((other) => other.startsWith(`${path}.`)));
    const state = status === 'active' && leaves.length > 0 ? leaves.join(', ') : status;
    const common = {
      id,
      kind: 'user' as const,
      name,
      state: cut(state, textCharactersMax),
      messages: this.#messagesOf(actor),
    };
    return parent === undefined ? common : { ...common, parent };
  }

  #messagesOf(actor: object): number {
    return this.#messages.get(actor) ?? 0;
  }
}

/** By what a user knows it: the name in its system, its own, or that of its machine. */
function titleOf(actor: AnyActorRef): string {
  const title = read(() => {
    const { systemId, id, sessionId, logic } = actor as AnyActor;
    if (typeof systemId === 'string') return systemId;
    const ofMachine: unknown = logic?.id;
    return id === sessionId && typeof ofMachine === 'string' ? ofMachine : id;
  });
  return cut(typeof title === 'string' && title !== '' ? title : 'an actor', textCharactersMax);
}

function lookAt(actor: AnyActorRef): Look {
  try {
    const snapshot: { status: unknown; error?: unknown } = actor.getSnapshot();
    const { status, error } = snapshot;
    return {
      status: typeof status === 'string' ? cut(status, textCharactersMax) : 'unknown',
      active: pathsOf(snapshot),
      ...(error !== undefined && { error }),
    };
  } catch (error) {
    return { status: 'unknown', active: [], error: CaughtError.of(error) };
  }
}

function childrenOf(actor: AnyActorRef): readonly AnyActorRef[] {
  const children = read(() => Object.values(actor.getSnapshot().children ?? {}));
  return (children ?? []).filter((child): child is AnyActorRef => typeof child === 'object' && child !== null);
}

/** What `look` gives; `undefined` if it throws: code of somebody else's. */
function read<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
