/**
 * Alerts of late flights, over a service that is as good as services are: busy now and then, and once it never answers.
 *
 * Busy: nothing was sent, the handler fails, and the processor tries again by itself. No answer: the alert was sent, but the
 * handler never hears of it, and so neither does the cursor. Both happen on purpose, and at the same alerts in every run.
 */
import { once } from 'node:events';
import type { HandlerContext, StoredEvent } from '#store';
import { lateMinutes } from './delay-statistics.ts';
import { airportOf, type Flight, type FlightEvent } from './flights.ts';

export interface Alert {
  /** Where the event is in the log. */
  readonly position: number;
  readonly airport: string;
  readonly date: string;
  readonly delay: number;
}

/** The service is busy at every so many calls. */
export const busyEvery = 20;

export class AlertService {
  /** In the order in which they went out. */
  readonly sent: Alert[] = [];
  readonly #silentAt: number;
  readonly #silence = Promise.withResolvers<void>();
  #calls = 0;

  /** Sends alert number `silentAt` like any other, but does not answer. */
  constructor(silentAt: number) {
    this.#silentAt = silentAt;
  }

  /** Resolves when somebody waits for the answer that does not come. */
  get silence(): Promise<void> {
    return this.#silence.promise;
  }

  async send(alert: Alert, signal: AbortSignal): Promise<void> {
    this.#calls++;
    if (this.#calls % busyEvery === 0) throw new Error('the alert service is busy');
    this.sent.push(alert);
    if (this.sent.length !== this.#silentAt) return;
    this.#silence.resolve();
    await once(signal, 'abort');
  }
}

export function isLate({ delay }: Pick<Flight, 'delay'>): boolean {
  return delay > lateMinutes;
}

/** The handler. Whoever gets these alerts should know them by their position: one may come twice. */
export function alertOver(service: AlertService) {
  return ({ position, stream, data }: StoredEvent<FlightEvent>, { signal }: HandlerContext) => {
    if (!isLate(data)) return;
    return service.send({ position, airport: airportOf(stream), date: data.date, delay: data.delay }, signal);
  };
}
