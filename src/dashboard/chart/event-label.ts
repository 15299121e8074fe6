/**
 * What the events of a machine are called in its chart: those that XState makes itself in words, those of the user's as they are.
 *
 *     xstate.done.actor.saveCursor    save cursor done
 *     xstate.error.actor.saveCursor   save cursor failed
 *     xstate.snapshot.heads           heads changed
 *     xstate.after.backoff.m.waiting  after backoff
 *     xstate.done.state.m.order       order done
 *     '' (always)                     at once
 *     *                               any other event
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** Called with the type of an event. */
export type EventLabel = (type: string) => string;

/** `words` says what an actor, a delay or an event is called instead of its name. */
export function eventLabels(machine: AnyStateMachine, words: Readonly<Record<string, string>> = {}): EventLabel {
  const known = new Map<string, string>([
    ['', 'at once'],
    ['*', 'any other event'],
  ]);
  const wordsOf = (name: string) => (Object.hasOwn(words, name) ? words[name] : spaced(name)) as string;
  for (const node of nodesOf(machine.root)) {
    known.set(`xstate.done.state.${node.id}`, `${wordsOf(node.key)} done`);
    for (const { id, src } of node.invoke) {
      // Without an id it has one made of its place; its source may have a name.
      const isNamed = !/^\d+\./.test(id);
      const name = isNamed ? id : typeof src === 'string' && !src.startsWith('xstate.invoke.') ? src : '';
      const prefix = name === '' ? '' : `${wordsOf(name)} `;
      known.set(`xstate.done.actor.${id}`, `${prefix}done`);
      known.set(`xstate.error.actor.${id}`, `${prefix}failed`);
      known.set(`xstate.snapshot.${id}`, `${prefix}changed`);
    }
    for (const { delay, eventType } of node.after) {
      known.set(
        eventType,
        typeof delay === 'number' ? `after ${durationText(delay)}` : `after ${wordsOf(String(delay))}`,
      );
    }
  }
  return (type) => {
    if (Object.hasOwn(words, type)) return words[type] as string;
    return known.get(type) ?? spawnedLabel(type, wordsOf) ?? type;
  };
}

/** Of actors that the machine spawns: their ids are not in its definition. */
function spawnedLabel(type: string, wordsOf: (name: string) => string): string | undefined {
  const [, kind, name = ''] = /^xstate\.(done|error)\.actor\.(.+)$/s.exec(type) ?? [];
  if (kind === undefined) return undefined;
  return `${name === '*' ? 'an actor' : wordsOf(name)} ${kind === 'done' ? 'done' : 'failed'}`;
}

/** The nodes of a machine, parents first. */
export function nodesOf(root: AnyStateNode): AnyStateNode[] {
  const nodes = [root];
  // Grows while it is walked, however deep it goes.
  for (const node of nodes) nodes.push(...Object.values(node.states));
  return nodes;
}

function durationText(ms: number): string {
  return ms >= 1000 && ms % 100 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

/** `idleSave` as `idle save`. */
function spaced(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Lines of a label before the rest is only counted. */
const labelLinesMax = 3;
/** Letters of one line. */
const lineLettersMax = 40;

/** The label of an edge: each thing that causes it on a line of its own, as far as there is room. */
export function edgeLabel(causes: readonly string[]): string {
  const lines = [...new Set(causes.map((cause) => shortened(cause, lineLettersMax)))];
  if (lines.length <= labelLinesMax) return lines.join('\n');
  const shown = lines.slice(0, labelLinesMax - 1);
  return [...shown, `+ ${lines.length - shown.length} more`].join('\n');
}

/** On one line, with `…` for what is too much. */
export function shortened(text: string, lettersMax: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is not wanted
  const line = text.toWellFormed().replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]+/g, ' ');
  return line.length <= lettersMax ? line : `${line.slice(0, lettersMax - 1).toWellFormed()}…`;
}
