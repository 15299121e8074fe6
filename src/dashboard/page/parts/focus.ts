/** The focus is never lost: where what had it goes away, or can't be pressed any more, the content of the page gets it. */
import { useEffect } from 'preact/hooks';

export function focusContent(): void {
  document.getElementById('room')?.focus({ preventScroll: true });
}

/** If nothing has it. */
export function keepFocus(): void {
  if (document.activeElement === document.body) focusContent();
}

/** For what may have the focus in it when it goes. */
export function useKeptFocus(): void {
  // Its elements are still there when it is told to go.
  useEffect(() => () => queueMicrotask(keepFocus), []);
}
