/** A row of numbers as a line: its shape only, the numbers stand beside it. */
import { sparkline } from '../spark.ts';

const width = 120;
const height = 40;

/** `values`: one a second, oldest first; the line ends at the right. `slots`: how many fit. */
export function Sparkline({
  values,
  label,
  slots = 120,
}: {
  readonly values: readonly number[];
  readonly label: string;
  readonly slots?: number;
}) {
  const { line, area } = sparkline(values, { width, height, slots });
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="floor" d={`M0 ${height}H${width}`} />
      {line !== '' && <path class="area" d={area} />}
      {line !== '' && <path d={line} />}
    </svg>
  );
}
