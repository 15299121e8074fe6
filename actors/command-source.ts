/**
 * A source of commands, and how commands are counted: what the writer takes its groups from.
 */
import type { Outcome, WriterCommand } from '../src/log/log-writer.ts';
import type { RowDraft } from '../src/log/row-draft.ts';

/** What still fits into a group. Its first command always does. */
export interface Room {
  fits(command: WriterCommand): boolean;
}

export interface CommandSource {
  /** Takes the oldest command, if there is one and it fits. */
  next(room: Room): WriterCommand | undefined;
  /** The outcomes of commands taken, in their order. */
  tell(outcomes: readonly Outcome[]): void;
  /** The writer takes nothing any more. Told once, behind the outcomes of what it has taken. */
  fail(error: unknown): void;
}

/** Events of a command, as limits count them; one without any is as one. */
export function commandEvents(command: WriterCommand): number {
  return command.kind === 'append' ? command.types.length : 1;
}

/** Bytes of a command, as limits count them. */
export function commandBytes(command: WriterCommand): number {
  let bytes = command.kind === 'append' ? command.records.length : 0;
  const rows: readonly RowDraft[] | undefined =
    command.kind === 'erase' || command.kind === 'rotate' ? undefined : command.rows;
  if (rows === undefined) return bytes;
  for (const { key, value, secret } of rows) {
    bytes += key.length + (value?.length ?? 0) + (secret?.payload.bytes.length ?? 0);
  }
  return bytes;
}

/** Room that is filled command by command. */
export class LimitedRoom implements Room {
  /** The command that was offered last did not fit. */
  wasShort = false;
  #isEmpty = true;
  #events: number;
  #bytes: number;

  constructor(events: number, bytes: number) {
    this.#events = events;
    this.#bytes = bytes;
  }

  fits(command: WriterCommand): boolean {
    this.wasShort = !this.#isEmpty && (commandEvents(command) > this.#events || commandBytes(command) > this.#bytes);
    return !this.wasShort;
  }

  take(source: CommandSource): WriterCommand | undefined {
    this.wasShort = false;
    const command = source.next(this);
    if (command === undefined) return undefined;
    this.#isEmpty = false;
    this.#events -= commandEvents(command);
    this.#bytes -= commandBytes(command);
    return command;
  }
}
