/**
 * Whose data key it is: what is sealed with it, and what is erased with it.
 */

/**
 * A stream, or a stream and a subject: a person whose events in that stream have a key of their own, so that erasing either
 * the person or the stream erases them. Or one build of a projection.
 */
export type KeyOwner =
  | {
      readonly kind: 'stream';
      readonly stream: string;
      readonly subject: string | undefined;
      /** It owns what is made of all events of the stream, whoever they are about: sealed in any mode. */
      readonly isWhole?: true;
    }
  | { readonly kind: 'projection'; readonly name: string; readonly build: number };

/** What can be erased: everything that is sealed with a key of it. */
export type Erasable =
  | { readonly stream: string }
  | { readonly subject: string }
  | { readonly projection: string; readonly build: number };
