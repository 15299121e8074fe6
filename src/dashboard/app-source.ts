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
  return {
    kind: 'app',
    bus,
    status() {
      const atMs = performance.now();
      // Each topic asks for it, and all of one frame are to be of one moment.
      if (last === undefined || atMs - last.atMs >= momentMs) last = { status: inspection.status(), atMs };
      return last.status;
    },
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
