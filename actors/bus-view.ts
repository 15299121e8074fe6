/**
 * The appending side of a bus, with metadata of its own: what `bus.with` gives, and what the bus itself appends through.
 */
import { messagesStream } from '../src/names.ts';
import { checkOptionNames } from '../src/option-names.ts';
import type {
  AnyEvent,
  AppendManyOptions,
  AppendOptions,
  AppendResult,
  EventShape,
  Metadata,
  NewEvent,
  PublishOptions,
  StreamAppend,
} from '../src/types.ts';
import type { AppendPath } from './append-path.ts';
import { type CorrelationOptions, checkedMetadata, mergedMetadata } from './correlation.ts';

/** A light view of a bus whose appends carry metadata. It has nothing to close. */
export class BusView<Events extends EventShape = AnyEvent> {
  readonly #path: AppendPath;
  readonly #metadata: Metadata | undefined;

  /**
   * Use `bus.with`.
   * @internal
   */
  constructor(path: AppendPath, metadata: Metadata | undefined) {
    this.#path = path;
    this.#metadata = metadata;
  }

  /** As `append` of the bus. */
  append(
    stream: string,
    events: NewEvent<Events> | readonly NewEvent<Events>[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    try {
      checkOptionNames('append', options);
      const part = { stream, events, expectedVersion: options.expectedVersion };
      return this.#path.submit([part], this.#inContext(options), first);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As `appendMany` of the bus. */
  appendMany(appends: readonly StreamAppend<Events>[], options: AppendManyOptions = {}): Promise<AppendResult[]> {
    try {
      checkOptionNames('appendMany', options);
      return this.#path.submit(appends, this.#inContext(options), all);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As `publish` of the bus. */
  publish(events: NewEvent<Events> | readonly NewEvent<Events>[], options: PublishOptions = {}): Promise<AppendResult> {
    try {
      checkOptionNames('publish', options);
      const { stream = messagesStream, ...rest } = options;
      return this.#path.publish([{ stream, events }], this.#inContext(rest), first);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** A view with more metadata: its own goes over that of this one. @throws {TypeError} */
  with(options: CorrelationOptions): BusView<Events> {
    return new BusView(this.#path, mergedMetadata(this.#metadata, checkedMetadata('with', options)));
  }

  #inContext<Options extends object>(options: Options): Options & { readonly ambient?: Metadata } {
    return this.#metadata === undefined ? options : { ...options, ambient: this.#metadata };
  }
}

const first = ([result]: AppendResult[]): AppendResult => result as AppendResult;
const all = (results: AppendResult[]): AppendResult[] => results;
