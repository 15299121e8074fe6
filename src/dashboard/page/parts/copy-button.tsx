/** Copies a text. Without the clipboard, which browsers keep from pages of plain HTTP on other hosts, by way of a selection. */
import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

interface CopyButtonProps {
  readonly text: string;
  /** For screen readers: what is copied. */
  readonly what: string;
  /** @default 'Copy' */
  readonly label?: string;
  /** The text is only the beginning of it. */
  readonly isPart?: boolean;
}

const shownMs = 2000;

export function CopyButton({ text, what, label = 'Copy', isPart = false }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | undefined>(undefined);
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = setTimeout(() => setOutcome(undefined), shownMs);
    return () => clearTimeout(timer);
  }, [outcome]);
  return (
    <>
      <button
        type="button"
        class="button plain"
        onClick={() => void copied(text).then((isCopied) => setOutcome(isCopied ? 'copied' : 'failed'))}
      >
        <Icon name={outcome === 'copied' ? 'check' : 'copy'} size={14} />
        {outcome === undefined ? label : wordsFor(outcome, isPart)}
        <span class="hidden-text"> {what}</span>
      </button>
      {/* What stands inside of a button has no voice of its own. */}
      <span class="hidden-text" role="status">
        {outcome !== undefined && wordsFor(outcome, isPart)}
      </span>
    </>
  );
}

function wordsFor(outcome: 'copied' | 'failed', isPart: boolean): string {
  if (outcome === 'failed') return 'The browser refused';
  return isPart ? 'Copied the beginning' : 'Copied';
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard here, or no permission.
    return copiedBySelection(text);
  }
}

function copiedBySelection(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'hidden-text';
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
