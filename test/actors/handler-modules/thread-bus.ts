/** A bus on LMDB whose handlers run in threads; what they log, and what fails, is in the test's hand. */
import { type BusOptions, tempBus } from '../../kit/temp-store.ts';
import type { Act, Scripted } from './scripted.ts';

export async function threadBus(options: BusOptions = {}) {
  const logged: { readonly message: string; readonly fields: Record<string, unknown> }[] = [];
  const log = (message: string, fields = {}) =>
    void logged.push({ message, fields: fields as Record<string, unknown> });
  const logger = { debug: log, info: log, warn: log, error: log };
  const bus = await tempBus<Scripted>({ readers: 2, logger, ...options }, 'lmdb');
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  const called = (name = 'p') =>
    logged
      .filter(({ message, fields }) => message === 'called' && fields.processor === name)
      .map(({ fields }) => `${fields.position}:${fields.attempt}`);
  return {
    bus,
    logged,
    errors,
    /** The calls of a processor, `position:attempt`. */
    called,
    /** One event for each act, in the stream of its own name or in `stream`. */
    tell: (acts: readonly (Act | { act: Act; times?: number })[], stream?: string) =>
      bus.appendMany(groups(acts, stream)),
  };
}

function groups(acts: readonly (Act | { act: Act; times?: number })[], stream: string | undefined) {
  const events = acts.map((act) => ({ type: 'told', data: typeof act === 'string' ? { act } : act }));
  return stream === undefined
    ? events.map((event, index) => ({ stream: `s${index}`, events: [event] }))
    : [{ stream, events }];
}
