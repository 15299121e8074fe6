/**
 * Events as the page shows them: what is known of each without its data, and one with it.
 *
 * Data and metadata leave the server nowhere else, and through `redact` only.
 */
import { keyIdOf, noticeErasure } from '../codec/event.ts';
import { dashboardTextCharactersMax } from '../limits.ts';
import type { StoredEvent } from '../types.ts';
import { type JsonText, jsonText } from './json-text.ts';
import type { Redaction } from './redaction.ts';
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
  readonly #redaction: Redaction;

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  /** @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
  of(event: StoredEvent): EventDetail {
    const row = eventRow(event);
    if (row.erased) return row;
    // Only when its data is asked for it is known for sure whether there is any.
    void event.data;
    if (event.erased) return { ...row, sealed: true, erased: true };
    const shown = this.#redaction.ofEvent(event, ({ data, metadata, isChanged }) => ({
      ...payload(data, metadata),
      ...(isChanged && { redacted: true as const }),
    }));
    return { ...row, ...(shown ?? { redacted: true as const }) };
  }

  /** What it says of itself, as far as that may be shown. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
  idsOf(event: StoredEvent): EventIds {
    return this.#redaction.ofEvent(event, ({ metadata }) => idsIn(metadata)) ?? {};
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
    ...idsIn(metadata),
  };
}

/** What an event says of itself under names that are used for this by convention. */
export type EventIds = Pick<EventDetail, 'correlationId' | 'causationId'>;

export function idsIn(metadata: unknown): EventIds {
  return { ...idIn(metadata, 'correlationId'), ...idIn(metadata, 'causationId') };
}

function idIn<Name extends 'correlationId' | 'causationId'>(
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
