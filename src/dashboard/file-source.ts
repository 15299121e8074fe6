/**
 * A read-only bus as a source: the log as it is, and what the process that writes it tells of itself in the store's status
 * file, looked at while somebody follows.
 */
import type { Bus } from '../../actors/bus.ts';
import { inspectionOf } from '../../actors/inspection.ts';
import { statusFileOf } from '../../actors/status-reader.ts';
import type { Source } from './source.ts';

/**
 * The file changes at most ten times a second, but what it tells is not to wait for as long again. A look at one that has not
 * changed takes some tenths of a millisecond at most. Milliseconds.
 */
const lookMs = 50;

export function fileSource(bus: Bus): Source {
  const inspection = inspectionOf(bus);
  const file = statusFileOf(bus);
  const status = () => file?.read();
  return {
    kind: 'file',
    bus,
    status,
    look: status,
    usage: () => inspection.usage(),
    report: (error) => inspection.report(error),
    attach(onChange) {
      let last = status();
      const look = () => {
        const now = status();
        if (now === last) return;
        last = now;
        onChange();
      };
      const looks = setInterval(look, lookMs).unref();
      const heads = bus.head$.subscribe({ next: onChange, error: onChange, complete: onChange });
      return () => {
        clearInterval(looks);
        heads.unsubscribe();
      };
    },
  };
}
