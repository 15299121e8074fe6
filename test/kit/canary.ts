/**
 * A text that must not be found: where it stands in events, and what finds it in files, whatever its form there.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metadata, StoredEvent } from '#store';

/** Where a text can stand in an event. */
export const canaryPlaces = ['value', 'name', 'map key', 'metadata'] as const;
export type CanaryPlace = (typeof canaryPlaces)[number];

export interface CanaryCase {
  readonly place: CanaryPlace;
  /** Bytes that follow it, to make events of every size. */
  readonly fillBytes: number;
}

/** What an event with the text `canary` has. */
export function payloadWith(canary: string, { place, fillBytes }: CanaryCase): { data: unknown; metadata?: Metadata } {
  const text = canary + '.'.repeat(fillBytes);
  switch (place) {
    case 'value':
      return { data: { text } };
    case 'name':
      return { data: { [text]: 1 } };
    case 'map key':
      return { data: new Map([[text, 1]]) };
    case 'metadata':
      return { data: {}, metadata: { note: text } };
  }
}

/** The beginning of what an event tells. */
export function toldBy({ data, metadata }: Pick<StoredEvent, 'data' | 'metadata'>): string {
  return JSON.stringify([data instanceof Map ? [...data.keys()] : data, metadata]).slice(0, 1000);
}

/** The forms in which a text could be in a file. */
function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  // At each of the three places that it can have among the bytes around it; what depends on those is left out.
  const base64 = [0, 1, 2].map((skip) => {
    const whole = bytes.subarray(skip, skip + 3 * Math.floor((bytes.length - skip) / 3));
    return whole.toString('base64');
  });
  const utf16 = [Buffer.from(text, 'utf16le'), Buffer.from(text, 'utf16le').swap16()];
  return [bytes, ...utf16, ...[hex, hex.toUpperCase(), ...base64].map((form) => Buffer.from(form))];
}

/** Whether `text` is in `bytes`, in any form. */
export function tells(bytes: Uint8Array | string, text: string): boolean {
  const searched = Buffer.from(bytes as string);
  return formsOf(text).some((form) => searched.includes(form));
}

/** The files below `directory` that `find` finds something in. */
export function filesWith(directory: string, find: (bytes: Buffer) => boolean): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => find(readFileSync(path)));
}
