/**
 * What the store of `npm run demo -- --ui` holds, and how the flights get there: real departures, replayed at a pace, and what
 * the processors make of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '#store';
import { byHour, byOrigin, type Flight, type FlightEvent, streamOf, toEvent } from './flights.ts';

export interface LandedEvent {
  readonly type: 'Landed';
  readonly data: { readonly origin: string; readonly distance: number };
}

export interface AlertedEvent {
  readonly type: 'Alerted';
  readonly data: { readonly airport: string; readonly delay: number };
}

export type AirportEvent = FlightEvent | LandedEvent | AlertedEvent;

/** Flights that are there from the start: what processors catch up with. */
export const backlogFlights = 6000;
/** One hour of departures, about eleven flights, every so many milliseconds. */
const hourMs = 250;

/** Appends the backlog at once. */
export async function appendBacklog(bus: Bus<AirportEvent>, flights: readonly Flight[]): Promise<void> {
  await Promise.all([...byHour(flights.slice(0, backlogFlights)).values()].map((some) => depart(bus, some)));
}

/** Appends the rest hour by hour, and then all of them again and again, until `signal`. */
export async function replay(bus: Bus<AirportEvent>, flights: readonly Flight[], signal: AbortSignal): Promise<void> {
  for (let next = flights.slice(backlogFlights); ; next = [...flights]) {
    for (const departures of byHour(next).values()) {
      await sleep(hourMs, undefined, { signal });
      await depart(bus, departures);
    }
  }
}

async function depart(bus: Bus<AirportEvent>, departures: readonly Flight[]): Promise<void> {
  const parts = [...byOrigin(departures)].map(([airport, some]) => {
    return { stream: streamOf(airport), events: some.map(toEvent) };
  });
  await bus.appendMany(parts);
}
