/**
 * The path of a sparkline. Pure.
 */
export interface SparkBox {
  readonly width: number;
  readonly height: number;
  /** So many values fill the width; fewer stand at its right. */
  readonly slots: number;
}

/** The line and the area below it as SVG paths, empty with less than two values. The highest value touches the top, 0 the bottom. */
export function sparkline(
  values: readonly number[],
  { width, height, slots }: SparkBox,
): { line: string; area: string } {
  const shown = values.slice(-slots);
  if (shown.length < 2) return { line: '', area: '' };
  const top = Math.max(...shown, Number.MIN_VALUE);
  const step = width / (slots - 1);
  const left = width - step * (shown.length - 1);
  const points = shown.map(
    (value, at) => `${rounded(left + at * step)} ${rounded(height - (Math.max(0, value) / top) * height)}`,
  );
  const line = `M${points.join('L')}`;
  return { line, area: `${line}V${height}H${rounded(left)}Z` };
}

/** How far a sum has grown with each of what was added to it. */
export function growthOf(added: readonly number[]): number[] {
  let sum = 0;
  return added.map((value) => {
    sum += value;
    return Math.round(sum);
  });
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
