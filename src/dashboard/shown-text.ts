/**
 * Texts of others as they are shown: names, messages, stacks.
 */
import { dashboardValueCharactersMax } from '../limits.ts';

/** A text, no longer than is shown; well-formed, as all that others may hand to programs of theirs. */
export function cut(text: string, charactersMax = dashboardValueCharactersMax): string {
  if (text.length <= charactersMax) return text.toWellFormed();
  return `${text.slice(0, charactersMax - 1).toWellFormed()}…`;
}
