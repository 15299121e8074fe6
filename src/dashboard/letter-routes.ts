/**
 * Dead letters, as the page lists them, looks at one, and has them tried again or discarded.
 */
import { setImmediate } from 'node:timers/promises';
import { type DeadLetter, reasonCharactersMax } from '../../actors/dead-letters.ts';
import { dashboardRowsMax, dashboardSearchMaxMs } from '../limits.ts';
import { throwIfAborted } from '../log/pages.ts';
import type { EventDetails } from './event-rows.ts';
import { answerMaxMs, type OrderRequest, within } from './orders.ts';
import { choiceIn, consumerOf, limitIn, positionIn, positionOf, textIn } from './query.ts';
import type { Redaction, ShownError } from './redaction.ts';
import { badRequest, notFound } from './refusal.ts';
import { cut } from './shown-text.ts';
import type { Source } from './source.ts';
import type { ActionDone, LetterDetail, LetterRow, LettersPage } from './wire.ts';

const rowsUsual = 50;
/** Each letter brings its event, which may be large. */
const atATime = 16;
/** Positions in one order. */
const positionsMax = 1000;
const reasonUsual = 'discarded on the dashboard';

export interface LettersWorld {
  readonly source: Source;
  readonly redaction: Redaction;
}

/**
 * Behind position `after`, for as long as one answer may take: it may have few letters, or none, and a `next` all the same.
 * @throws {Refusal} {STORE_CORRUPT} {ABORTED}
 */
export async function lettersPage(
  { source, redaction }: LettersWorld,
  name: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<LettersPage> {
  const limit = limitIn(query, dashboardRowsMax, rowsUsual);
  const state = choiceIn(query, 'state', ['dead', 'waiting', 'discarded']);
  const [stream, type] = [textIn(query, 'stream'), textIn(query, 'type')];
  const search = {
    ...(state && { state }),
    ...(stream !== undefined && { stream }),
    ...(type !== undefined && { type }),
  };
  const letters: LetterRow[] = [];
  const endMs = performance.now() + dashboardSearchMaxMs;
  const from = lettersOf(source, name);
  for (let after = positionIn(query, 'after', 0) ?? 0; ; ) {
    throwIfAborted(signal);
    const part = from.part(search, after, Math.min(limit - letters.length, atATime));
    for (const letter of part.letters) letters.push(letterRow(letter, redaction.ofError(letter.error, name)));
    if (part.reached === undefined) return { letters };
    after = part.reached;
    if (letters.length === limit || performance.now() >= endMs) return { letters, next: after };
    await setImmediate();
  }
}

/** @throws {Refusal} {STORE_CORRUPT} {DECRYPTION_FAILED} */
export async function letterDetail(
  { source, redaction }: LettersWorld,
  name: string,
  part: string,
  details: EventDetails,
): Promise<LetterDetail> {
  const letter = await lettersOf(source, name).get(positionOf(part));
  if (letter === undefined) throw notFound(`the letter at position ${part}`);
  const error = redaction.ofError(letter.error, name);
  const { stack } = error;
  return {
    ...letterRow(letter, error),
    ...(stack !== undefined && { stack }),
    event: details.of(letter.event),
  };
}

/** They are marked and tried to the end, however soon the answer comes. @throws {Refusal} and what a commit fails for */
export async function retryLetters(source: Source, { name, body }: OrderRequest): Promise<ActionDone> {
  const letters = lettersOf(source, name);
  const trying = letters.mark(chosen(body), undefined).then((marked) => {
    return letters.tried(marked, AbortSignal.timeout(answerMaxMs));
  });
  if (!(await within(trying))) return { text: 'They are being tried, one after the other.' };
  const { handled, failed, waiting } = await trying;
  const outcome = [
    handled > 0 && `${handled} handled`,
    failed > 0 && `${failed} failed again`,
    waiting > 0 && `${waiting} will be tried when the processor runs`,
  ].filter((text) => text !== false);
  return { text: outcome.length === 0 ? 'There was nothing to try.' : `${outcome.join(', ')}.` };
}

/** All of them, however soon the answer comes. @throws {Refusal} and what a commit fails for */
export async function discardLetters(source: Source, { name, body }: OrderRequest): Promise<ActionDone> {
  const discarding = lettersOf(source, name).discard(chosen(body), { reason: reasonIn(body) });
  if (!(await within(discarding))) return { text: 'They are being discarded, one after the other.' };
  const discarded = await discarding;
  return { text: discarded === 1 ? '1 letter discarded.' : `${discarded} letters discarded.` };
}

function lettersOf({ bus }: Source, name: string) {
  return bus.deadLetters(consumerOf('processor', name));
}

function chosen(body: OrderRequest['body']): number[] | 'all' {
  const positions: unknown = Object.hasOwn(body, 'positions') ? body.positions : undefined;
  if (positions === 'all') return 'all';
  const isList = Array.isArray(positions) && positions.length >= 1 && positions.length <= positionsMax;
  if (isList && positions.every((position) => Number.isSafeInteger(position) && position >= 1)) return positions;
  throw badRequest(`positions must be 'all', or 1 to ${positionsMax} positions`);
}

function reasonIn(body: OrderRequest['body']): string {
  const reason: unknown = Object.hasOwn(body, 'reason') ? body.reason : undefined;
  if (reason === undefined || reason === '') return reasonUsual;
  if (typeof reason === 'string' && reason.length <= reasonCharactersMax) return reason;
  throw badRequest(`reason must be a text of at most ${reasonCharactersMax} characters`);
}

function letterRow(letter: DeadLetter, { name, code, message }: ShownError): LetterRow {
  const { position, state, stream, type, attempts, firstMs, lastMs, isParked, parkedBehind, reason } = letter;
  return {
    position,
    state,
    stream,
    type,
    attempts,
    firstMs,
    lastMs,
    error: { name, ...(code !== undefined && { code }), message },
    isParked,
    parkedBehind,
    ...(reason !== undefined && { reason: cut(reason) }),
  };
}
