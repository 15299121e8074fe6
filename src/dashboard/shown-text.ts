/**
 * Texts of others as they are shown: names, messages, stacks.
 */
import { dashboardValueCharactersMax } from '../limits.ts';

/** A text, no longer than is shown. */
export function cut(text: string): string {
  if (text.length <= dashboardValueCharactersMax) return text;
  return `${text.slice(0, dashboardValueCharactersMax - 1).toWellFormed()}…`;
}
