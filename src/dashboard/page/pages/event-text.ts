/** An event as one JSON text, to be copied: what the server wrote of its data and metadata stays as it is written. Pure. */
import type { EventDetail } from '../../wire.ts';

/** Data and metadata are left out where there are none, and where they are hidden or cut: a part of them is no JSON. */
export function eventText(event: EventDetail): string {
  const { position, stream, version, type, timeMs, id, subject, correlationId, causationId, sealed, erased, redacted } =
    event;
  const head = {
    position,
    stream,
    version,
    type,
    timeMs,
    id,
    subject,
    correlationId,
    causationId,
    sealed,
    erased,
    redacted,
  };
  const lines = Object.entries(head)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`);
  if (!event.cut) {
    if (event.data !== undefined) lines.push(`  "data": ${indented(event.data)}`);
    if (event.metadata !== undefined) lines.push(`  "metadata": ${indented(event.metadata)}`);
  }
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** No string of JSON has a line break in it, so all are between its parts. */
function indented(json: string): string {
  return json.replaceAll('\n', '\n  ');
}
