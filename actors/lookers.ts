/**
 * Who looks at the processors of a bus, and what there is to look at. While nobody does, nothing is attached to any machine.
 */

/** A machine that can be followed more closely. Neither may throw. */
export interface Watched {
  /** Somebody looks from now on. */
  look(): void;
  /** Nobody does any more. */
  leave(): void;
}

/** Told the name of a processor of which something has changed. */
export type OnLook = (processor: string) => void;

export class Lookers {
  readonly #lookers = new Set<{ readonly onChange: OnLook }>();
  readonly #watched = new Set<Watched>();
  readonly #hearers = new Set<() => void>();
  readonly #newsHearers = new Set<OnLook>();
  readonly #report: (error: unknown) => void;

  /** `report`: told what a looker throws. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  get isLooking(): boolean {
    return this.#lookers.size > 0;
  }

  /** There is one more machine, until what is returned is called. */
  enter(watched: Watched): () => void {
    this.#watched.add(watched);
    if (this.isLooking) watched.look();
    return () => {
      if (this.#watched.delete(watched) && this.isLooking) watched.leave();
    };
  }

  /** Follows all machines, until what is returned is called. */
  attach(onChange: OnLook): () => void {
    const looker = { onChange };
    this.#lookers.add(looker);
    if (this.#lookers.size === 1) for (const watched of this.#watched) watched.look();
    return () => {
      if (this.#lookers.delete(looker) && !this.isLooking) for (const watched of this.#watched) watched.leave();
    };
  }

  /** Tells whenever something has changed, and follows nothing for it, until what is returned is called. `onChange` must not throw. */
  hear(onChange: () => void): () => void {
    this.#hearers.add(onChange);
    return () => this.#hearers.delete(onChange);
  }

  /** As {@link hear}, but only of news. `onNews` must not throw. */
  hearNews(onNews: OnLook): () => void {
    const hearer: OnLook = (processor) => onNews(processor);
    this.#newsHearers.add(hearer);
    return () => this.#newsHearers.delete(hearer);
  }

  /** What changed is more than quantities: those who look on are to see it soon. */
  tellNews(processor: string): void {
    this.tell(processor);
    for (const onNews of this.#newsHearers) onNews(processor);
  }

  /** Something of `processor` has changed. */
  tell(processor: string): void {
    for (const onChange of this.#hearers) onChange();
    if (!this.isLooking) return;
    for (const { onChange } of this.#lookers) {
      try {
        onChange(processor);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
