/**
 * Who has logged in: tokens that are good once, and the cookies they are exchanged for. Both are of one start of a dashboard
 * and kept in memory only.
 *
 * A secret is 256 random bits; what is kept of it is its hash, so that no comparison takes longer the more of it is right.
 */
import { createHash, randomBytes } from 'node:crypto';
import { dashboardSessionsMax, dashboardTokenMs, dashboardTokensMax } from '../limits.ts';

export class Sessions {
  readonly cookieName: string;
  /** Hashes of tokens not used yet, with the time until which they are good. */
  readonly #tokens = new Map<string, number>();
  readonly #sessions = new Set<string>();
  readonly #now: () => number;

  /**
   * `store` names what is shown: browsers share cookies between all ports of a machine, and dashboards of two stores are not
   * to log each other out.
   */
  constructor(store: string, now: () => number = Date.now) {
    this.cookieName = `varvebus-${hashOf(store).slice(0, 12)}`;
    this.#now = now;
  }

  /** A new token. */
  token(): string {
    const token = secret();
    this.#tokens.set(hashOf(token), this.#now() + dashboardTokenMs);
    keepNewest(this.#tokens, dashboardTokensMax);
    return token;
  }

  /** The cookie's value for a token that is good; the token is not, from then on. */
  exchange(token: string): string | undefined {
    const hash = hashOf(token);
    const goodUntil = this.#tokens.get(hash);
    this.#tokens.delete(hash);
    if (goodUntil === undefined || goodUntil < this.#now()) return undefined;
    const session = secret();
    this.#sessions.add(hashOf(session));
    keepNewest(this.#sessions, dashboardSessionsMax);
    return session;
  }

  /** Whether one of the cookies in a header Cookie is of somebody who has logged in. */
  has(cookies: string | undefined): boolean {
    for (const cookie of cookies?.split(';') ?? []) {
      const at = cookie.indexOf('=');
      if (cookie.slice(0, at).trim() === this.cookieName && this.#sessions.has(hashOf(cookie.slice(at + 1).trim()))) {
        return true;
      }
    }
    return false;
  }

  close(): void {
    this.#tokens.clear();
    this.#sessions.clear();
  }
}

function secret(): string {
  return randomBytes(32).toString('base64url');
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function keepNewest(kept: Map<string, unknown> | Set<string>, max: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= max) return;
    kept.delete(oldest);
  }
}
