/**
 * The bus of the app that the dashboard runs in, as a source: its inspection, and its head.
 */
import type { Bus } from '../../actors/bus.ts';
import { inspections } from '../../actors/inspection.ts';
import { assert } from '../assert.ts';
import type { Source } from './source.ts';

export function appSource(bus: Bus): Source {
  const inspection = inspections.get(bus);
  assert(inspection !== undefined, 'every bus has an inspection');
  return {
    kind: 'app',
    bus,
    status: () => inspection.status(),
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
