/** Which row the keyboard goes to, in a list that is one stop of the tab key. */

/** The row after `key` was pressed in row `row`; `undefined`: the key means nothing here. `page`: rows that are in view. */
export function rowAfterKey(key: string, row: number, count: number, page: number): number | undefined {
  const to = target(key, row, count, Math.max(1, page - 1));
  return to === undefined || count === 0 ? undefined : Math.min(Math.max(to, 0), count - 1);
}

function target(key: string, row: number, count: number, step: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return row + 1;
    case 'ArrowUp':
      return row - 1;
    case 'PageDown':
      return row + step;
    case 'PageUp':
      return row - step;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}
