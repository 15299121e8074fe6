/**
 * A list beside what is chosen of it: next to each other where there is room, else one at a time. Back in the list one is where
 * one was.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { keepFocus } from './focus.ts';
import './pair.css';

interface PairProps {
  readonly list: ComponentChildren;
  /** What is chosen; nothing while it is `undefined`. */
  readonly detail: ComponentChildren | undefined;
}

export function Pair({ list, detail }: PairProps) {
  const isOpen = detail !== undefined;
  const element = useRef<HTMLDivElement>(null);
  const wasOpen = useRef(isOpen);
  const listScroll = useRef(0);
  const isListShown = () => element.current?.firstElementChild?.checkVisibility() === true;
  useEffect(() => {
    const note = () => {
      if (!wasOpen.current) listScroll.current = scrollY;
    };
    addEventListener('scroll', note, { passive: true });
    return () => removeEventListener('scroll', note);
  }, []);
  useLayoutEffect(() => {
    if (wasOpen.current === isOpen) return;
    wasOpen.current = isOpen;
    if (isOpen) {
      if (!isListShown()) scrollTo(0, 0);
      return;
    }
    scrollTo(0, listScroll.current);
    keepFocus();
  }, [isOpen]);
  return (
    <div ref={element} class={isOpen ? 'pair open' : 'pair'}>
      <div class="pair-list">{list}</div>
      {isOpen && <div class="pair-detail">{detail}</div>}
    </div>
  );
}
