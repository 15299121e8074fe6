/**
 * Schemas of the caller's: what the data of an event has to be, by its type, before anything of its call is written.
 *
 * Any library will do that speaks Standard Schema (zod, valibot, arktype …). What a schema gives is what is stored. One that
 * throws, rejects, or answers in no known form refuses the event; it never takes anything else down.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { formatPath, itemStep } from '../codec/payload-refusal.ts';
import { BusError, type ErrorDetails } from '../errors.ts';
import { schemaIssuesMax } from '../limits.ts';
import { isThenable } from '../thenable.ts';
import type { GivenCall, GivenEvent } from './append-request.ts';

/** A schema for each type of event that is to be checked. Types without one are stored as they are given. */
export type Schemas = Readonly<Record<string, StandardSchemaV1>>;

/**
 * The union of the events that `schemas` describe, with what each schema gives as `data`:
 * `openBus<EventsOf<typeof schemas>>({ schemas, … })`.
 */
export type EventsOf<Given extends Schemas> = {
  readonly [Type in keyof Given & string]: {
    readonly type: Type;
    readonly data: StandardSchemaV1.InferOutput<Given[Type]>;
  };
}[keyof Given & string];

type Answer = StandardSchemaV1.Result<unknown>;
type Issue = ErrorDetails['SCHEMA_INVALID']['issues'][number];

export class SchemaSet {
  readonly #schemaByType: ReadonlyMap<string, StandardSchemaV1>;

  /** @throws {TypeError} naming the first type whose schema is none. */
  constructor(schemas: Schemas) {
    if (typeof schemas !== 'object' || schemas === null || Array.isArray(schemas)) {
      throw new TypeError(`schemas must be an object with a schema for each type, got ${String(schemas)}`);
    }
    this.#schemaByType = new Map(Object.entries(schemas));
    for (const [type, schema] of this.#schemaByType) {
      if (typeof schema?.['~standard']?.validate === 'function') continue;
      throw new TypeError(
        `schemas.${type} must be a schema with the Standard Schema interface (of zod, valibot, arktype …)`,
      );
    }
  }

  /**
   * The call with what its schemas make of the data: at once if they all answer at once, otherwise a promise. Events are
   * checked one after the other, in their order. @throws {SCHEMA_INVALID} for the first event that is refused.
   */
  checked(call: GivenCall): GivenCall | Promise<GivenCall> {
    const events: GivenEvent[] = [];
    for (const [index, event] of call.events.entries()) {
      const answer = this.#ask(event, index);
      if (isThenable(answer)) return this.#awaited(call, events, answer);
      events.push(accepted(event, answer, index));
    }
    return { ...call, events };
  }

  /** The rest of a call, behind the first answer that has to be waited for. */
  async #awaited(call: GivenCall, events: GivenEvent[], first: PromiseLike<Answer>): Promise<GivenCall> {
    let answer: Answer | PromiseLike<Answer> = first;
    for (let index = events.length; ; ) {
      const event = call.events[index] as GivenEvent;
      events.push(accepted(event, await settled(answer, event, index), index));
      index++;
      const next = call.events[index];
      if (next === undefined) return { ...call, events };
      answer = this.#ask(next, index);
    }
  }

  #ask(event: GivenEvent, index: number): Answer | PromiseLike<Answer> {
    const schema = this.#schemaByType.get(event.type);
    if (schema === undefined) return { value: event.data };
    try {
      return schema['~standard'].validate(event.data);
    } catch (cause) {
      throw failed(event, index, cause);
    }
  }
}

async function settled(answer: Answer | PromiseLike<Answer>, event: GivenEvent, index: number): Promise<Answer> {
  try {
    return await answer;
  } catch (cause) {
    throw failed(event, index, cause);
  }
}

function accepted(event: GivenEvent, answer: Answer, index: number): GivenEvent {
  let issues: readonly Issue[] | undefined;
  try {
    if (!answer.issues) return { ...event, data: answer.value };
    issues = answer.issues.slice(0, schemaIssuesMax).map(issueOf);
  } catch (cause) {
    throw failed(event, index, cause);
  }
  const [first] = issues;
  const where = first === undefined ? 'data' : `${first.path}: ${first.message}`;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const message = `event ${index}, ${event.type}, is not what its schema asks for: ${where}${more}`;
  throw new BusError('SCHEMA_INVALID', message, { index, type: event.type, issues });
}

function issueOf({ path = [], message }: StandardSchemaV1.Issue): Issue {
  const steps = path.map((segment) => {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key !== 'number') return key;
    return Number.isSafeInteger(key) && key >= 0 ? itemStep(key) : String(key);
  });
  return { path: formatPath('data', steps), message: String(message) };
}

function failed({ type }: GivenEvent, index: number, cause: unknown): BusError<'SCHEMA_INVALID'> {
  const issues = [{ path: 'data', message: 'the schema failed' }];
  return new BusError(
    'SCHEMA_INVALID',
    `event ${index}: the schema of ${type} failed`,
    { index, type, issues },
    { cause },
  );
}
