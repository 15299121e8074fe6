/**
 * The user's own machines, as the dashboard shows them: their states, the transitions that they take while somebody looks, and
 * the actors below them.
 *
 * They are guests: nothing is subscribed to them, since that would change what becomes of their errors, and nothing is attached
 * to them while nobody looks. One that throws when it is looked at shows that, and harms neither the others nor the bus.
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import { ActorTree } from '../../actors/actor-tree.ts';
import type { ActorImage } from '../../actors/bus-status.ts';
import { leaveAll } from '../../actors/leave-all.ts';
import { dashboardUserActorsMax } from '../limits.ts';
import type { Redaction } from './redaction.ts';
import { UserMachine } from './user-machine.ts';
import type { MachineChange, MachineImage } from './wire.ts';

export class Machines {
  readonly #machines: ReadonlyMap<string, UserMachine>;
  readonly #tree = new ActorTree();

  constructor(actors: readonly AnyActorRef[], redaction: Redaction) {
    const machines = new Map<string, UserMachine>();
    for (const actor of actors) {
      const machine = new UserMachine(actor, { redaction, isFree: (id) => !machines.has(id) });
      machines.set(machine.id, machine);
    }
    this.#machines = machines;
  }

  /** In the order in which they were given. */
  get ids(): readonly string[] {
    return [...this.#machines.keys()];
  }

  /** One that has not changed is the same object. */
  images(): readonly MachineImage[] {
    return [...this.#machines.values()].map((machine) => machine.image);
  }

  image(id: string): MachineImage | undefined {
    return this.#machines.get(id)?.image;
  }

  /** The last transitions since somebody looks, newest first. */
  changes(id: string): readonly MachineChange[] {
    return this.#machines.get(id)?.changes ?? [];
  }

  /** What a chart is drawn of; `undefined` for other logic than a machine's. */
  logic(id: string): AnyStateMachine | undefined {
    return this.#machines.get(id)?.logic;
  }

  /** The machines and the actors below them, each behind its parent. A row that has not changed is the same object. */
  actors(): readonly ActorImage[] {
    const rows: ActorImage[] = [];
    for (const machine of this.#machines.values()) rows.push(...machine.actors(dashboardUserActorsMax - rows.length));
    return this.#tree.of(rows);
  }

  /** Follows them until what is returned is called; `onChange` is told that some may have changed. */
  attach(onChange: () => void): () => void {
    return leaveAll([...this.#machines.values()].map((machine) => machine.attach(onChange)));
  }
}
