/**
 * A processor's machine on ports in the test's hand: what it asks for waits until the test answers.
 */
import { Subject } from 'rxjs';
import { type Actor, createActor, fromCallback, fromEventObservable, fromPromise, SimulatedClock } from 'xstate';
import type { ProcessorMachine } from '#actors/processor.machine';
import type { ProcessorPolicy } from '#actors/processor-context';
import type { HeadEvent, LifelineEvent, ProcessorPorts } from '#actors/processor-ports';

export const fakePolicy: ProcessorPolicy = {
  name: 'p',
  partition: undefined,
  checkpoint: { events: 2, ms: 200 },
  retry: { attempts: 1, minMs: 100, maxMs: 1000, factor: 2, jitter: 0.5 },
  drainMs: 1000,
  onFailure: 'fail',
  circuit: { failures: Number.POSITIVE_INFINITY, waitMs: 1000 },
  now: () => 0,
  random: () => 0,
};

/** One thing the machine has asked for. */
export interface PendingCall {
  readonly port: string;
  readonly signal: AbortSignal;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class FakePorts {
  /** What was asked for and not answered, also by actors that are gone. */
  readonly pending = new Set<PendingCall>();
  /** Of the watch that was started last. */
  heads = new Subject<HeadEvent>();
  reports = 0;
  lifelines = 0;
  isHeld = false;
  readonly ports: ProcessorPorts = {
    loadCursor: this.#port('loadCursor'),
    work: this.#port('work'),
    saveCursor: this.#port('saveCursor'),
    replay: this.#port('replay'),
    resetCursor: this.#port('resetCursor'),
    watchHead: fromEventObservable(() => {
      this.heads = new Subject();
      return this.heads;
    }),
    reportFailure: fromCallback(() => {
      this.reports++;
    }),
    lifeline: fromCallback<LifelineEvent, { readonly holder: string }>(({ receive }) => {
      this.lifelines++;
      receive(({ type }) => {
        this.isHeld = type === 'RUN';
      });
      return () => {
        this.lifelines--;
        this.isHeld = false;
      };
    }),
  };

  /** Calls of `port` that the machine still waits for. */
  awaited(port: string): PendingCall[] {
    return [...this.pending].filter((call) => call.port === port && !call.signal.aborted);
  }

  #port<Output, Input>(port: string) {
    return fromPromise<Output, Input>(
      ({ signal }) =>
        new Promise((resolve, reject) => {
          const call: PendingCall = {
            port,
            signal,
            resolve: (output) => {
              this.pending.delete(call);
              resolve(output as Output);
            },
            reject: (error) => {
              this.pending.delete(call);
              reject(error);
            },
          };
          this.pending.add(call);
        }),
    );
  }
}

/** A started actor of `machine` on `fake` ports, and what it said when it broke. */
export class FakeRun {
  readonly fake: FakePorts;
  readonly clock = new SimulatedClock();
  readonly actor: Actor<ProcessorMachine>;
  readonly errors: unknown[] = [];

  constructor(fake: FakePorts, machine: ProcessorMachine) {
    this.fake = fake;
    this.actor = createActor(machine, { clock: this.clock, input: { isStarted: false } });
    this.actor.subscribe({ error: (error) => this.errors.push(error) });
    this.actor.start();
  }

  /** Timers that have not fired and are not cleared. */
  get timers(): number {
    return (Reflect.get(this.clock, 'timeouts') as ReadonlyMap<number, unknown>).size;
  }
}
