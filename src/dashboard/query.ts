/**
 * What the path and the query of a URL ask for, checked.
 */
import { u48Max } from '../limits.ts';
import { checkConsumerName } from '../names.ts';
import { badRequest, notFound } from './refusal.ts';

/** A whole number from `least` to `most`. @throws {Refusal} */
function numberIn(query: URLSearchParams, name: string, least: number, most: number): number | undefined {
  const text = textIn(query, name);
  if (text === undefined) return undefined;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw badRequest(`${name} must be a whole number from ${least} to ${most}`);
}

/** A position from `least` on. @throws {Refusal} */
export function positionIn(query: URLSearchParams, name: string, least = 1): number | undefined {
  return numberIn(query, name, least, u48Max);
}

/** How many rows to answer with: at most `most`, whatever was asked for. @throws {Refusal} */
export function limitIn(query: URLSearchParams, most: number, usual: number): number {
  return Math.min(numberIn(query, 'limit', 1, u48Max) ?? usual, most);
}

/** `undefined` also for an empty text: that is what a field of a form sends that was left empty. @throws {Refusal} */
export function textIn(query: URLSearchParams, name: string): string | undefined {
  const [text, ...others] = query.getAll(name);
  if (others.length > 0) throw badRequest(`${name} is there twice`);
  if (text === undefined || text === '') return undefined;
  if (!text.isWellFormed()) throw badRequest(`${name} must be well-formed text`);
  return text;
}

/** One of `choices`. @throws {Refusal} */
export function choiceIn<Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = textIn(query, name);
  const choice = choices.find((one) => one === text);
  if (text === undefined || choice !== undefined) return choice;
  throw badRequest(`${name} must be one of ${choices.join(', ')}`);
}

/** The name in a path of something that can have one. @throws {Refusal} */
export function consumerOf(kind: 'processor' | 'projection', name: string): string {
  try {
    checkConsumerName(name);
  } catch {
    throw notFound(`the ${kind} ${JSON.stringify(name)}`);
  }
  return name;
}

/** A position in a path. @throws {Refusal} */
export function positionOf(text: string): number {
  const position = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0;
  if (position >= 1 && position <= u48Max) return position;
  throw badRequest('a position is a whole number from 1 on');
}
