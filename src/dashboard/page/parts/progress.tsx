/** How far something is, as a bar and in words. */
import { count } from '../format.ts';

interface ProgressProps {
  readonly label: string;
  readonly done: number;
  readonly all: number;
}

export function Progress({ label, done, all }: ProgressProps) {
  const percent = share(done, all);
  return (
    <div class="progress">
      <progress aria-label={label} max={100} value={percent} />
      <span class="small soft nowrap">
        {percent} % · {count(done)} of {count(all)}
      </span>
    </div>
  );
}

/** Whole percent, 100 only at the end. */
function share(done: number, all: number): number {
  return all <= 0 || done >= all ? 100 : Math.max(0, Math.floor((done / all) * 100));
}
