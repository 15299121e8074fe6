/**
 * Text that comes from outside, made safe for a terminal: what would move its cursor or change its state is shown instead.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are escaped
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/g;

/** `text` with its control characters as `\xNN`. */
export function printable(text: string): string {
  return text.replaceAll(
    controlCharacters,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** `1234567` as `1,234,567`, whatever the locale. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
