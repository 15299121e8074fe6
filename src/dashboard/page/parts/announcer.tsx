/** Tells screen readers what something has come to, once it has stayed so for a moment: not each step of what flickers. */
import { useEffect, useState } from 'preact/hooks';

const restMs = 1500;

export function Announcer({ text }: { readonly text: string }) {
  // What is there at first is read with the page.
  const [told, setTold] = useState({ first: text, now: '' });
  useEffect(() => {
    if (text === told.now || (told.now === '' && text === told.first)) return;
    const timer = setTimeout(() => setTold({ first: '', now: text }), restMs);
    return () => clearTimeout(timer);
  }, [text, told]);
  return (
    <p class="hidden-text" role="status">
      {told.now}
    </p>
  );
}
