/**
 * Rows of text in columns that line up.
 */

/** A column of numbers stands to the right, one of texts to the left. */
export type Alignment = 'left' | 'right';

/** One line for the names of the columns and one for each row, each ended; nothing stands behind the last text of a line. */
export function tableText(
  columns: readonly (readonly [name: string, alignment: Alignment])[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [columns.map(([name]) => name), ...rows];
  const widths = columns.map((_, at) => lines.reduce((width, line) => Math.max(width, line[at]?.length ?? 0), 0));
  const aligned = (text: string, at: number) => {
    const width = widths[at] ?? 0;
    return columns[at]?.[1] === 'right' ? text.padStart(width) : text.padEnd(width);
  };
  return lines.map((line) => `${line.map(aligned).join('  ').trimEnd()}\n`).join('');
}
