/**
 * Events as the page shows them: what is known of each without its data, and one with it.
 *
 * Data and metadata leave the server nowhere else, and through `redact` only.
 */
import { keyIdOf, noticeErasure } from '../codec/event.ts';
import { dashboardTextCharactersMax } from '../limits.ts';
import { isThenable } from '../thenable.ts';
import type { StoredEvent } from '../types.ts';
import { type JsonText, jsonText } from './json-text.ts';
import type { DashboardOptions } from './options.ts';
import type { EventDetail, EventRow } from './wire.ts';

export function eventRow(event: StoredEvent): EventRow {
  const { position, stream, version, type, id, timeMs } = event;
  const erased = noticeErasure(event);
  const sealed = erased || keyIdOf(event) !== 0;
  return {
    position,
    stream,
    version,
    type,
    id,
    timeMs,
    ...(sealed && { sealed: true as const }),
    ...(erased && { erased: true as const }),
  };
}

/** Shows events, hiding what `redact` hides. */
export class EventDetails {
  readonly #redact: DashboardOptions['redact'];
  readonly #report: (error: unknown) => void;

  constructor(redact: DashboardOptions['redact'], report: (error: unknown) => void) {
    this.#redact = redact;
    this.#report = report;
  }

  /** @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
  of(event: StoredEvent): EventDetail {
    const row = eventRow(event);
    if (row.erased) return row;
    // Only when its data is asked for it is known for sure whether there is any.
    const { data, metadata } = event;
    if (event.erased) return { ...row, sealed: true, erased: true };
    if (this.#redact === undefined) return { ...row, ...payload(data, metadata) };
    return { ...row, ...(this.#redacted(event) ?? { redacted: true as const }) };
  }

  #redacted(event: StoredEvent): Partial<EventDetail> | undefined {
    try {
      const shown: unknown = this.#redact?.({ ...event });
      if (isThenable(shown)) {
        Promise.resolve(shown).catch(this.#report);
        throw new TypeError('redact must answer at once, it returned a promise: the event is hidden');
      }
      if (shown === undefined || shown === null) return undefined;
      const { data, metadata } = shown as StoredEvent;
      const isAsItWas = data === event.data && metadata === event.metadata;
      return { ...payload(data, metadata), ...(!isAsItWas && { redacted: true as const }) };
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }
}

function payload(data: unknown, metadata: unknown): Partial<EventDetail> {
  const shownData = data === undefined ? undefined : jsonText(data, dashboardTextCharactersMax);
  const shownMetadata = metadata === undefined ? undefined : jsonText(metadata, dashboardTextCharactersMax);
  const isCut = [shownData, shownMetadata].some((text: JsonText | undefined) => text?.isCut);
  return {
    ...(shownData && { data: shownData.text }),
    ...(shownMetadata && { metadata: shownMetadata.text }),
    ...(isCut && { cut: true as const }),
    ...idIn(metadata, 'correlationId'),
    ...idIn(metadata, 'causationId'),
  };
}

/** What an event says of itself under a name that is used for this by convention. */
export function idIn<Name extends 'correlationId' | 'causationId'>(
  metadata: unknown,
  name: Name,
): { readonly [Key in Name]?: string } {
  if (typeof metadata !== 'object' || metadata === null || !Object.hasOwn(metadata, name)) return {};
  const id = (metadata as Record<string, unknown>)[name];
  return typeof id === 'string' && id !== '' && id.length <= idCharactersMax
    ? ({ [name]: id } as { readonly [Key in Name]: string })
    : {};
}

const idCharactersMax = 512;
