/**
 * An observable whose subscribers may throw. rxjs reports a throwing subscriber, and an error nobody handles, as an uncaught
 * exception, which ends the process; here both go to `onError`. Operators lift it into its own kind: whole pipes are guarded.
 */
import { Observable, type Observer, type Operator, Subscriber, type Subscription, type TeardownLogic } from 'rxjs';

type OnError = (error: unknown) => void;

export class GuardedObservable<Value> extends Observable<Value> {
  readonly #onError: OnError;

  constructor(subscribe: ((subscriber: Subscriber<Value>) => TeardownLogic) | undefined, onError: OnError) {
    super(subscribe);
    this.#onError = onError;
  }

  override lift<Result>(operator?: Operator<Value, Result>): Observable<Result> {
    const lifted = new GuardedObservable<Result>(undefined, this.#onError);
    lifted.source = this;
    lifted.operator = operator;
    return lifted;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<Value>> | ((value: Value) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // Operators subscribe with a Subscriber, which hands errors on down the pipe to the observer guarded below.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    const observer = typeof observerOrNext === 'object' && observerOrNext !== null ? observerOrNext : undefined;
    const next = typeof observerOrNext === 'function' ? observerOrNext : observer?.next?.bind(observer);
    const onError = error ?? observer?.error?.bind(observer) ?? this.#onError;
    const onComplete = complete ?? observer?.complete?.bind(observer);
    return super.subscribe({
      next: (value) => this.#guard(() => next?.(value)),
      error: (cause: unknown) => this.#guard(() => onError(cause)),
      complete: () => this.#guard(() => onComplete?.()),
    });
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#onError(error);
    }
  }
}
