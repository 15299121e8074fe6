/** Buttons. `main`: what one comes for; `risky`: changes what is not easily changed back; `plain`: without a frame. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { focusContent } from './focus.ts';
import { Icon } from './icon.tsx';
import type { IconName } from './icons.ts';

export interface ButtonProps {
  readonly children?: ComponentChildren;
  readonly icon?: IconName;
  readonly kind?: 'main' | 'risky' | 'plain';
  readonly onClick?: () => void;
  readonly disabled?: boolean;
  /** While what it does is under way. */
  readonly isBusy?: boolean;
  /** For a button that shows no word. */
  readonly label?: string;
  readonly title?: string;
  readonly type?: 'button' | 'submit';
}

export function Button({
  children,
  icon,
  kind,
  onClick,
  disabled,
  isBusy,
  label,
  title,
  type = 'button',
}: ButtonProps) {
  const element = useRef<HTMLButtonElement>(null);
  // A button that can't be pressed loses the focus to nowhere. One that is busy keeps it: it can be pressed again soon.
  useLayoutEffect(() => {
    if (disabled && document.activeElement === element.current) focusContent();
  }, [disabled]);
  return (
    <button
      ref={element}
      type={type}
      class={kind === undefined ? 'button' : `button ${kind}`}
      onClick={isBusy ? undefined : onClick}
      disabled={disabled}
      aria-disabled={isBusy || undefined}
      aria-label={label}
      title={title ?? label}
    >
      {isBusy ? <Icon name="spinner" size={14} spin /> : icon !== undefined && <Icon name={icon} size={14} />}
      {children}
    </button>
  );
}
