/**
 * A question in the way of everything else. The browser's own dialog keeps the focus inside and closes on Escape; the focus goes
 * back to where it was.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { keepFocus } from './focus.ts';

export interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** Buttons. */
  readonly foot: ComponentChildren;
  /** It was closed, by a button or by Escape. */
  readonly onClose: () => void;
  /** The form was sent, by a submit button or by Enter. */
  readonly onSubmit?: () => void;
}

/** Open as long as it is there. */
export function Dialog({ title, children, foot, onClose, onSubmit }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    const dialog = element.current;
    dialog?.showModal();
    // What may be done at once is done by Enter; what is risky is not.
    const main = dialog?.querySelector<HTMLElement>('.button.main[type="submit"]');
    if (dialog?.querySelector('input, select, textarea') === null) main?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
      // It may have become impossible by what was done, or be gone.
      keepFocus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      closedby="any"
    >
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit?.();
        }}
      >
        <div class="dialog-body">
          <h2 id={id}>{title}</h2>
          {children}
        </div>
        <div class="dialog-foot">{foot}</div>
      </form>
    </dialog>
  );
}
