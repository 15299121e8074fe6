/**
 * What was thrown, in a form that can be shown, kept in a snapshot and compared: name, code and message.
 *
 * Anything may be thrown, so nothing here trusts it: not its type, not its getters. The thrown value itself goes along
 * unseen by serialisation, for whoever needs a `cause`.
 */
import { inspect } from 'node:util';

export class CaughtError {
  readonly name: string;
  /** Where the error has one. */
  readonly code: string | undefined;
  readonly message: string;
  readonly #stack: string | undefined;
  readonly #thrown: unknown;

  constructor(thrown: unknown) {
    this.name = textOf(() => (thrown as Error).name) ?? 'Error';
    this.code = textOf(() => (thrown as { code: unknown }).code);
    this.message = textOf(() => (thrown as Error).message) ?? textOf(() => inspect(thrown)) ?? 'an unprintable value';
    this.#stack = textOf(() => (thrown as Error).stack);
    this.#thrown = thrown;
  }

  /** `thrown`, caught; what is caught already stays as it is. Never throws. */
  static of(thrown: unknown): CaughtError {
    // `instanceof` would ask a proxy, which may throw; a private field is not asked of anybody.
    const isCaught = typeof thrown === 'object' && thrown !== null && #thrown in thrown;
    return isCaught ? (thrown as CaughtError) : new CaughtError(thrown);
  }

  get stack(): string | undefined {
    return this.#stack;
  }

  /** What was thrown. */
  get thrown(): unknown {
    return this.#thrown;
  }
}

/** What `read` gives, if that is a text. */
function textOf(read: () => unknown): string | undefined {
  try {
    const value = read();
    return typeof value === 'string' ? value : undefined;
  } catch {
    // A hostile getter or proxy has no text.
    return undefined;
  }
}
