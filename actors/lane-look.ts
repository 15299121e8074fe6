/**
 * What one machine of a processor shows of itself to those who look, and what is kept for them when nobody does: the last
 * changes of its state and its last failures, and nothing else.
 */
import type { Actor, AnyActorRef, SnapshotFrom } from 'xstate';
import { laneChangesMax, laneFailuresMax } from '../src/limits.ts';
import type { FailureImage, LaneImage, StateChange } from './bus-status.ts';
import type { CaughtError } from './caught-error.ts';
import { Derived } from './derived.ts';
import type { Lookers, Watched } from './lookers.ts';
import { MachineWatch, pathsOf } from './machine-watch.ts';
import type { ProcessorMachine } from './processor.machine.ts';
import type { Phase, ProcessorContext } from './processor-context.ts';
import { isSkippable } from './processor-decisions.ts';
import { type HandleFacts, ordersOf } from './processor-orders.ts';
import type { ProcessorState } from './processor-status.ts';
import { Recent } from './recent.ts';
import { type GivenUp, keptError } from './set-aside.ts';

type ProcessorSnapshot = SnapshotFrom<ProcessorMachine>;

/** What a lane tells of itself when it is asked. */
export interface LaneFacts extends HandleFacts {
  readonly state: ProcessorState;
  readonly actor: Actor<ProcessorMachine>;
}

export interface LaneLookOptions {
  /** Of the processor. */
  readonly name: string;
  readonly lookers: Lookers;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly report: (error: unknown) => void;
  readonly facts: () => LaneFacts;
}

export class LaneLook implements Watched {
  readonly #options: LaneLookOptions;
  readonly #changes = new Recent<StateChange>(laneChangesMax);
  readonly #failures = new Recent<FailureImage>(laneFailuresMax);
  readonly #doing = new Derived<Doing>();
  readonly #image = new Derived<LaneImage>();
  #leave: (() => void) | undefined;
  /** While somebody looks. */
  #watch: MachineWatch | undefined;
  #moves = 0;
  /** Given to the machine while somebody looks, and to its children, by their ids. */
  #messages = 0;
  readonly #messagesByChild = new Map<string, number>();
  /** As of the last snapshot. */
  #lastError: CaughtError | undefined;
  #attempts = 0;
  #before: ProcessorSnapshot['value'] = 'idle';

  constructor(options: LaneLookOptions) {
    this.#options = options;
  }

  /** An actor runs the machine from now on: the first, or another one. */
  restarted(): void {
    this.#lastError = undefined;
    this.#watch?.follow(this.#options.facts().actor);
    this.#leave ??= this.#options.lookers.enter(this);
  }

  /** The machine has done something. */
  saw({ value, context }: ProcessorSnapshot): void {
    const { lastError } = context;
    if (lastError !== undefined && lastError !== this.#lastError && !isSplit(context))
      this.#noteTrouble(lastError, context);
    this.#lastError = lastError;
    this.#before = value;
    if (context.attempts === this.#attempts) this.#tell();
    else this.#tellNews();
    this.#attempts = context.attempts;
  }

  entered(from: ProcessorState, to: ProcessorState, atMs: number): void {
    if (from !== to) this.#changes.add({ from, to, atMs });
    this.#tellNews();
  }

  /** Whether it is stalled is another thing now, which is not of the machine. */
  tagged(): void {
    this.#tellNews();
  }

  /** The machine itself broke. */
  crashed(error: CaughtError): void {
    this.#failed(error, 'work', 0, undefined, this.#options.now());
  }

  /** What was given up is durable. */
  gaveUp(givenUp: readonly GivenUp[], phase: Phase): void {
    for (const { error, event, attempts, lastMs } of givenUp.slice(-laneFailuresMax)) {
      // One that was skipped by order has been told.
      if (error !== this.#lastError) this.#failed(error, phase, attempts, event, lastMs);
    }
    if (givenUp.length > 0) this.#tellNews();
  }

  close(): void {
    this.#leave?.();
    this.#tellNews();
  }

  look(): void {
    const { now, facts, report } = this.#options;
    const actor = () => facts().actor;
    this.#watch = new MachineWatch({
      now,
      onTransition: () => this.#tell(),
      onMessage: (to) => this.#count(to, actor()),
      onError: report,
    });
    this.#watch.follow(actor());
  }

  leave(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    this.#moves++;
    this.#messages = 0;
    this.#messagesByChild.clear();
  }

  get image(): LaneImage {
    const facts = this.#options.facts();
    const { state, actor, isClosed, isToStartAgain, hasCrashed } = facts;
    const snapshot = actor.getSnapshot();
    const { active, can, failing } = this.#doing.of([snapshot, state, isClosed, isToStartAgain, hasCrashed], () =>
      doing(snapshot, facts),
    );
    const transition = this.#watch?.transition;
    const [changes, failures] = [this.#changes.list, this.#failures.list];
    return this.#image.of([active, can, failing, transition, changes, failures], () => ({
      active,
      can,
      ...(transition !== undefined && { transition }),
      ...(failing !== undefined && { failing: failingImage(failing) }),
      changes,
      failures,
    }));
  }

  /** Another number after whatever has happened to it, messages included. */
  get moves(): number {
    return this.#moves;
  }

  get state(): ProcessorState {
    return this.#options.facts().state;
  }

  get messages(): number {
    return this.#messages;
  }

  messagesOf(child: string): number {
    return this.#messagesByChild.get(child) ?? 0;
  }

  /** The actors that the machine has now. */
  get children(): readonly AnyActorRef[] {
    const { status, children } = this.#options.facts().actor.getSnapshot();
    return status === 'active' ? Object.values(children).filter((child) => child !== undefined) : [];
  }

  #count(to: AnyActorRef, machine: AnyActorRef): void {
    this.#moves++;
    if (to === machine) this.#messages++;
    else this.#messagesByChild.set(to.id, this.messagesOf(to.id) + 1);
  }

  #noteTrouble(error: CaughtError, context: ProcessorContext): void {
    const phase = context.trouble?.phase ?? phaseBefore(this.#before);
    const event = phase === 'work' ? context.failing?.event : undefined;
    this.#failed(error, phase, context.attempts, event, this.#options.now());
  }

  #failed(error: CaughtError, phase: Phase, attempt: number, event: GivenUp['event'] | undefined, atMs: number): void {
    const place = event && { position: event.position, stream: event.stream, type: event.type };
    this.#failures.add({ atMs, phase, attempt, ...keptError(error), ...(place !== undefined && { event: place }) });
  }

  #tell(): void {
    this.#moves++;
    this.#options.lookers.tell(this.#options.name);
  }

  #tellNews(): void {
    this.#moves++;
    this.#options.lookers.tellNews(this.#options.name);
  }
}

/** A batch failed that is tried again in parts: that is no failure of an event yet. */
function isSplit({ trouble, suspects }: ProcessorContext): boolean {
  return trouble === undefined && suspects > 0;
}

/** What was being done before the machine came to rest: a pause forgets its trouble. */
function phaseBefore(value: ProcessorSnapshot['value']): Phase {
  const leaf = pathsOf({ value }).find((path) => path in phaseByPath);
  return leaf === undefined ? 'work' : (phaseByPath[leaf] as Phase);
}

const phaseByPath: Readonly<Record<string, Phase>> = {
  loading: 'load',
  'live.saving': 'save',
  'catching-up.saving': 'save',
  poisoned: 'save',
  resetting: 'reset',
  'live.waiting': 'watch',
  'live.replaying': 'replay',
  'catching-up.replaying': 'replay',
};

/** Arrays that were handed out before, by what is in them: a machine has few states. */
const known = new Map<string, readonly string[]>();

function same(names: readonly string[]): readonly string[] {
  const key = names.join(' ');
  const found = known.get(key);
  if (found === undefined) known.set(key, names);
  return found ?? names;
}

/** What of a lane follows from its machine and its handle. */
interface Doing extends Pick<LaneImage, 'active' | 'can'> {
  readonly failing: ProcessorContext['failing'];
}

function doing(snapshot: ProcessorSnapshot, facts: LaneFacts): Doing {
  const paths = pathsOf(snapshot);
  // What a handle says of a machine that broke, or was ended, is not what the machine said last.
  const active = same(paths[0] === facts.state ? paths : [facts.state]);
  const can = ordersOf(snapshot, facts);
  const { context } = snapshot;
  return { active, can, failing: isSkippable(context) ? context.failing : undefined };
}

function failingImage({ event, sinceMs }: NonNullable<Doing['failing']>): NonNullable<LaneImage['failing']> {
  const { position, stream, type } = event;
  return { position, stream, type, sinceMs };
}
