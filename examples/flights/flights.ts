/**
 * The data of the demo: 20,000 flights within the United States, January to March 2001, in the order of their departure
 * (flights-20k.json of the package vega-datasets; from the U.S. Bureau of Transportation Statistics).
 */
import { readFileSync } from 'node:fs';
import type { NewEvent } from '#store';

export interface Flight {
  /** Local time, `YYYY/MM/DD HH:mm`. */
  readonly date: string;
  /** Minutes; negative when early. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
  /** Airport codes. */
  readonly origin: string;
  readonly destination: string;
}

/** What the store holds: the origin is the stream's name. */
export interface FlightEvent {
  readonly type: 'Departed';
  readonly data: Omit<Flight, 'origin'>;
}

const streamPrefix = 'airport-';

export function loadFlights(): Flight[] {
  const file = new URL('../data/flights-20k.json', import.meta.resolve('vega-datasets'));
  return JSON.parse(readFileSync(file, 'utf8'));
}

export function streamOf(airport: string): string {
  return streamPrefix + airport;
}

/** The airport of a stream; the name as it is, should it be another stream. */
export function airportOf(stream: string): string {
  return stream.startsWith(streamPrefix) ? stream.slice(streamPrefix.length) : stream;
}

export function toEvent({ date, delay, distance, destination }: Flight): NewEvent<FlightEvent> {
  return { type: 'Departed', data: { date, delay, distance, destination } };
}

/** The departures of each hour. */
export function byHour(flights: readonly Flight[]): Map<string, Flight[]> {
  return Map.groupBy(flights, ({ date }) => date.slice(0, 'YYYY/MM/DD HH'.length));
}

export function byOrigin(flights: readonly Flight[]): Map<string, Flight[]> {
  return Map.groupBy(flights, ({ origin }) => origin);
}

/** The flights as the log holds them, from position 1 on: hour by hour, and airport by airport within an hour. */
export function inLogOrder(flights: readonly Flight[]): Flight[] {
  return [...byHour(flights).values()].flatMap((departures) => [...byOrigin(departures).values()].flat());
}
