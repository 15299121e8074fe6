/**
 * Whether a page that stays connected may still look: who let it in is asked again, at an interval, for as long as it is there.
 *
 * One that may see something else now, or nothing, is disconnected: it comes again by itself, and is let in as it is then, or not.
 */
import type { ServerResponse } from 'node:http';
import { dashboardAccessMs } from '../limits.ts';
import { onceGone } from './gone.ts';
import type { Entry, LetIn } from './guard.ts';

export interface WatchedAccess {
  /** What it was let in with. */
  readonly access: LetIn;
  /** Asks again. Reports what it fails with, which lets nobody in. */
  readonly ask: () => Promise<Entry>;
  /** Ends the connection. */
  readonly end: () => void;
}

/** Watches until `response` is gone or ended. An answer that takes longer than the interval is not asked for twice. */
export function watchAccess(response: ServerResponse, { access, ask, end }: WatchedAccess): void {
  let isAsking = false;
  const look = async () => {
    if (isAsking) return;
    isAsking = true;
    const now = await ask().catch(() => 'none' as const);
    isAsking = false;
    if (now === access) return;
    clearInterval(looks);
    end();
  };
  const looks = setInterval(() => void look(), dashboardAccessMs).unref();
  onceGone(response, () => clearInterval(looks));
}
