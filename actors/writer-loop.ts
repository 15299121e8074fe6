/**
 * The writer actor: takes commands from all callers in turn and commits them in groups.
 *
 * The same class in a thread of its own and, inline, in the caller's. What is there when a commit begins shares it, and its
 * fsync; there is no timer: while one group syncs the next one gathers. Callers take turns command by command, so that one
 * with a long queue does not keep the others waiting. The head is published before anybody is told.
 */
import { groupBytesMax, groupEventsMax } from '../src/limits.ts';
import type { LogWriter, Outcome, WriterCommand } from '../src/log/log-writer.ts';
import { type CommandSource, LimitedRoom } from './command-source.ts';
import type { SharedState } from './shared-state.ts';

interface Taken {
  readonly source: CommandSource;
  readonly command: WriterCommand;
}

export class WriterLoop {
  readonly #writer: LogWriter;
  readonly #state: SharedState;
  /** In the order of their turns. */
  #sources: CommandSource[] = [];
  #isScheduled = false;
  #drained: (() => void)[] = [];

  constructor(writer: LogWriter, state: SharedState) {
    this.#writer = writer;
    this.#state = state;
    state.publish(writer.head);
  }

  add(source: CommandSource): void {
    this.#sources.push(source);
    if (this.#writer.failure !== undefined) source.fail(this.#writer.failure);
  }

  remove(source: CommandSource): void {
    this.#sources = this.#sources.filter((one) => one !== source);
  }

  /** Tells that a source has commands. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  /** Resolves when all that sources have given is committed. */
  async drained(): Promise<void> {
    if (this.#isScheduled) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #turn(): void {
    this.#isScheduled = false;
    const group = this.#takeGroup();
    if (group.length === 0) {
      for (const resolve of this.#drained.splice(0)) resolve();
      return;
    }
    const before = this.#writer.failure;
    if (this.#state.isGivenUp) this.#writer.giveUp();
    const outcomes = this.#state.whileCommitting(() => this.#writer.commit(group.map(({ command }) => command)));
    // Halted: the process is about to end, and nobody waits any more.
    if (outcomes === undefined) return;
    this.#state.publish(this.#writer.head);
    for (const [source, told] of outcomesBySource(group, outcomes)) source.tell(told);
    this.#state.wake();
    const { failure } = this.#writer;
    if (failure !== before) for (const source of this.#sources) source.fail(failure);
    this.wake();
  }

  /** One command of each source, then the next of each, until nothing is left or fits. */
  #takeGroup(): Taken[] {
    const taken: Taken[] = [];
    const room = new LimitedRoom(groupEventsMax, groupBytesMax);
    let leftOut: CommandSource | undefined;
    let active = this.#sources;
    while (active.length > 0) {
      const next: CommandSource[] = [];
      for (const source of active) {
        const command = room.take(source);
        if (room.wasShort) leftOut ??= source;
        if (command === undefined) continue;
        taken.push({ source, command });
        next.push(source);
      }
      active = next;
    }
    this.#goOnWith(leftOut, taken.at(-1)?.source);
    return taken;
  }

  /** The next group begins with whoever was left out, since there everything fits; else behind the last one served. */
  #goOnWith(leftOut: CommandSource | undefined, last: CommandSource | undefined): void {
    if (last === undefined) return;
    const next = leftOut === undefined ? this.#sources.indexOf(last) + 1 : this.#sources.indexOf(leftOut);
    this.#sources = [...this.#sources.slice(next), ...this.#sources.slice(0, next)];
  }
}

function outcomesBySource(group: readonly Taken[], outcomes: readonly Outcome[]): Map<CommandSource, Outcome[]> {
  const bySource = new Map<CommandSource, Outcome[]>();
  for (const [index, { source }] of group.entries()) {
    const outcome = outcomes[index] as Outcome;
    const told = bySource.get(source);
    if (told === undefined) bySource.set(source, [outcome]);
    else told.push(outcome);
  }
  return bySource;
}
