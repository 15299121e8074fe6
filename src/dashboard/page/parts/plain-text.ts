/**
 * Text from the store as it can be shown: what would be invisible, or would turn round the text beside it, is spelled out.
 *
 * The result is put into text nodes only; it is not HTML.
 */

/** Control characters, and those that change direction, join or are blank without a width, half surrogates, private use. */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\ud800-\udfff](?![\udc00-\udfff])(?<![\ud800-\udbff][\udc00-\udfff])/g;

/** `text` with `\u202e` and the like spelled out. */
export function shown(text: string): string {
  return text.replace(unseen, spelled);
}

/** As {@link shown}, but lines and tabs stay. */
export function shownLines(text: string): string {
  return text.replace(unseen, (found) => (found === '\n' || found === '\t' ? found : spelled(found)));
}

/** A string as JSON writes it, with all that is unseen spelled out. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(unseen, spelled);
}

/** The first `max` characters of `text`, no half surrogate at the end. */
export function beginning(text: string, max: number): string {
  if (text.length <= max) return text;
  const isHalf = /[\ud800-\udbff]/.test(text[max - 1] as string);
  return text.slice(0, isHalf ? max - 1 : max);
}

function spelled(found: string): string {
  const short = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }[found];
  return short ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
