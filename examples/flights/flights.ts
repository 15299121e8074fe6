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

export function byOrigin(flights: readonly Flight[]): Map<string, Flight[]> {
  return Map.groupBy(flights, ({ origin }) => origin);
}
