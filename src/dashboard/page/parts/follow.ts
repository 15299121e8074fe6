/**
 * A drawing that is larger than its place scrolls there: it begins at what is active, and follows it until one scrolls oneself.
 */
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { joined, type Stretch, viewStart, widestThatFits } from './view-start.ts';

/** What is active changes many times a second; a view that did too could not be looked at. Milliseconds. */
const followMs = 150;
/** What scrolls so soon after a wheel, a finger or a key was moved by it. Milliseconds. */
const handMs = 400;
/** What one scrolls with. A pointer is one on the bar. */
const hands = ['wheel', 'touchmove', 'keydown', 'pointerdown', 'pointermove'] as const;

export interface Following {
  /** False after one has scrolled oneself. */
  readonly isFollowing: boolean;
  /** Goes back to what is active, and follows it again. */
  readonly follow: () => void;
}

/**
 * `view` scrolls, `selector` finds in it what is active, and `around` what that is in, which is shown with it where there is room:
 * then a move inside of it does not move the view. `thing` is what is drawn there, `active` changes with what is active.
 */
export function useFollowing(
  view: RefObject<HTMLElement | null>,
  { selector, around }: { readonly selector: string; readonly around: string },
  thing: unknown,
  active: string,
): Following {
  const [isFollowing, setFollowing] = useState(true);
  const follows = useRef(true);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  function set(now: boolean): void {
    follows.current = now;
    setFollowing(now);
  }
  function show(behavior: ScrollBehavior): void {
    if (view.current !== null && follows.current) bringIn(view.current, selector, around, behavior);
  }

  useLayoutEffect(() => {
    const element = view.current;
    if (element === null) return;
    set(true);
    show('instant');
    const sizes = new ResizeObserver(() => show('instant'));
    sizes.observe(element);
    let handAt = Number.NEGATIVE_INFINITY;
    const onHand = (event: Event) => {
      const isBar = event.target === element && (event as PointerEvent).buttons !== 0;
      if (!event.type.startsWith('pointer') || isBar) handAt = performance.now();
    };
    const onScroll = () => {
      if (performance.now() - handAt < handMs) set(false);
    };
    for (const hand of hands) element.addEventListener(hand, onHand, { passive: true });
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      sizes.disconnect();
      for (const hand of hands) element.removeEventListener(hand, onHand);
      element.removeEventListener('scroll', onScroll);
    };
  }, [thing]);
  useEffect(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      show(calm());
    }, followMs);
  }, [active]);
  useEffect(() => () => clearTimeout(timer.current), []);

  return {
    isFollowing,
    follow: () => {
      set(true);
      show(calm());
    },
  };
}

function calm(): ScrollBehavior {
  return matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth';
}

function bringIn(view: HTMLElement, selector: string, around: string, behavior: ScrollBehavior): void {
  const active = rectsOf(view, selector);
  if (active.length === 0) return;
  const outer = rectsOf(view, around);
  const place = view.getBoundingClientRect();
  const across = widest(view.clientWidth, active, outer, ({ left, right }) => ({
    from: left - place.left + view.scrollLeft,
    to: right - place.left + view.scrollLeft,
  }));
  const down = widest(view.clientHeight, active, outer, ({ top, bottom }) => ({
    from: top - place.top + view.scrollTop,
    to: bottom - place.top + view.scrollTop,
  }));
  const left = viewStart({ start: view.scrollLeft, size: view.clientWidth }, across);
  const top = viewStart({ start: view.scrollTop, size: view.clientHeight }, down);
  if (left !== view.scrollLeft || top !== view.scrollTop) view.scrollTo({ left, top, behavior });
}

function rectsOf(view: HTMLElement, selector: string): DOMRect[] {
  return [...view.querySelectorAll(selector)].map((box) => box.getBoundingClientRect());
}

function widest(
  size: number,
  active: readonly DOMRect[],
  outer: readonly DOMRect[],
  stretchOf: (rect: DOMRect) => Stretch,
): Stretch {
  return widestThatFits(size, joined(active.map(stretchOf)), outer.map(stretchOf));
}
