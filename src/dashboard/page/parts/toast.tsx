/** What was done, told for a few seconds in the corner, and to screen readers. */
import { signal } from '@preact/signals';
import { Icon } from './icon.tsx';

interface Told {
  readonly id: number;
  readonly text: string;
}

const shownMs = 6000;
/** At a time: of who does much in a short time the last is news. */
const toldMax = 3;
const told = signal<readonly Told[]>([]);
let ids = 0;

export function tell(text: string): void {
  const id = ++ids;
  told.value = [...told.value, { id, text }].slice(-toldMax);
  setTimeout(() => {
    told.value = told.value.filter((each) => each.id !== id);
  }, shownMs);
}

/** Where it is told; the page has one. */
export function Toasts() {
  return (
    <div class="toasts" role="status">
      {told.value.map(({ id, text }) => (
        <p key={id} class="toast">
          <Icon name="check" />
          {text}
        </p>
      ))}
    </div>
  );
}
