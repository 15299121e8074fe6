/**
 * The bus of the app that the dashboard runs in, as a source: its inspection, and its head.
 */
import type { Bus } from '../../actors/bus.ts';
import type { BusStatus } from '../../actors/bus-status.ts';
import { inspectionOf } from '../../actors/inspection.ts';
import type { Source } from './source.ts';

export function appSource(bus: Bus): Source {
  const inspection = inspectionOf(bus);
  let last: { readonly status: BusStatus; readonly atMs: number } | undefined;
  const look = () => {
    last = { status: inspection.status(), atMs: performance.now() };
    return last.status;
  };
  return {
    kind: 'app',
    bus,
    status() {
      // Each topic asks for it, and all of one frame are to be of one moment.
      return last === undefined || performance.now() - last.atMs >= momentMs ? look() : last.status;
    },
    look,
    usage: () => inspection.usage(),
    report: (error) => inspection.report(error),
    attach(onChange) {
      const detach = inspection.attach(onChange);
      const heads = bus.head$.subscribe({ next: onChange, error: onChange, complete: onChange });
      return () => {
        detach();
        heads.unsubscribe();
      };
    },
  };
}

const momentMs = 1;
