/**
 * What a bus tells other processes of itself, as a text: less than it shows in its own, and never more than fits.
 *
 * Left out: stacks, older changes and failures, and of an encrypted store whatever code that had an event before it could say
 * of it. Names of streams and types are in the log as they are. Makes anew only the text of what has changed.
 */
import { statusBytesMax, statusHistoryMax, statusMessageMax } from '../src/limits.ts';
import type { BusStatus, FailureImage, LaneImage, ProcessorImage } from './bus-status.ts';
import { codeOf, nameOf } from './plain-error-name.ts';
import type { ErrorSummary, ProcessorStatus } from './processor-status.ts';

/** Instead of a message that may be of an event. */
const untold = 'what it says is told in its own process only: the store is encrypted';
/** Characters of what a processor wants; a longer list of types or streams is not told. */
const wantsMax = 2048;
/** Of the text, where not everything fits. */
const processorsShare = 0.75;

export class StatusForm {
  readonly #isEncrypted: boolean;
  readonly #bytesMax: number;
  readonly #textByPart = new WeakMap<object, string>();
  readonly #smallTextByImage = new WeakMap<ProcessorImage, string>();

  /** `bytesMax`: for tests. */
  constructor(isEncrypted: boolean, bytesMax = statusBytesMax) {
    this.#isEncrypted = isEncrypted;
    this.#bytesMax = bytesMax;
  }

  /** At most 256 KiB: of many processors first the lanes are left out, then the last ones, and the last actors. */
  text(status: BusStatus): string {
    const { processors, actors } = status;
    const actorTexts = actors.map((actor) => this.#part(actor, () => JSON.stringify(actor)));
    const full = whole(
      status,
      processors.map((image) => this.#processor(image)),
      actorTexts,
      false,
    );
    if (Buffer.byteLength(full) <= this.#bytesMax) return full;
    const smallTexts = processors.map((image) => this.#small(image));
    const small = whole(status, smallTexts, actorTexts, true);
    if (Buffer.byteLength(small) <= this.#bytesMax) return small;
    const room = this.#bytesMax - Buffer.byteLength(whole(status, [], [], true));
    const told = fitting(smallTexts, processorsShare * room);
    const left = room - told.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
    return whole(status, told, fitting(actorTexts, left), true);
  }

  #processor(image: ProcessorImage): string {
    return this.#part(image, () => {
      const { lanes, wants, ...facts } = image;
      const wantsText = this.#part(wants, () => JSON.stringify(wants));
      const lanesText = lanes.map((lane) => this.#part(lane, () => this.#lane(lane))).join();
      const factsText = this.#facts(facts);
      return `${factsText.slice(0, -1)},"wants":${wantsText.length > wantsMax ? '{}' : wantsText},"lanes":[${lanesText}]}`;
    });
  }

  #small(image: ProcessorImage): string {
    const known = this.#smallTextByImage.get(image);
    if (known !== undefined) return known;
    const { lanes: _lanes, wants: _wants, status, ...facts } = image;
    const { partitions: _partitions, ...alone } = status;
    const text = `${this.#facts({ ...facts, status: alone }).slice(0, -1)},"wants":{},"lanes":[]}`;
    this.#smallTextByImage.set(image, text);
    return text;
  }

  #facts(facts: Omit<ProcessorImage, 'lanes' | 'wants'>): string {
    return JSON.stringify({ ...facts, status: this.#status(facts.status) });
  }

  #status(status: ProcessorStatus): ProcessorStatus {
    const { context, partitions } = status;
    const { lastError } = context;
    if (lastError === undefined && partitions === undefined) return status;
    return {
      ...status,
      context: { ...context, ...(lastError !== undefined && { lastError: this.#error(lastError) }) },
      ...(partitions !== undefined && { partitions: partitions.map((partition) => this.#status(partition)) }),
    };
  }

  /** Without the last transition: it is there only while somebody looks in the process itself. */
  #lane({ active, can, failing, changes, failures }: LaneImage): string {
    const texts = [
      ['active', this.#part(active, () => JSON.stringify(active))],
      ['can', this.#part(can, () => JSON.stringify(can))],
      ['changes', this.#part(changes, () => JSON.stringify(changes.slice(-statusHistoryMax)))],
      ['failures', this.#part(failures, () => this.#failures(failures))],
      ...(failing === undefined ? [] : [['failing', JSON.stringify(failing)]]),
    ];
    return `{${texts.map(([name, text]) => `"${name}":${text}`).join()}}`;
  }

  #failures(failures: readonly FailureImage[]): string {
    const told = failures.slice(-statusHistoryMax).map(({ stack: _, name, code, message, ...facts }) => {
      return { ...facts, ...this.#error({ name, message, ...(code !== undefined && { code }) }) };
    });
    return JSON.stringify(told);
  }

  #error({ name, code, message }: ErrorSummary): ErrorSummary {
    if (!this.#isEncrypted) {
      const cut = message.slice(0, statusMessageMax);
      return {
        name: name.slice(0, statusMessageMax),
        ...(code !== undefined && { code: code.slice(0, statusMessageMax) }),
        message: cut,
      };
    }
    return { name: nameOf(name), ...codeOf(code), message: untold };
  }

  /** The text that was made for `part`, which never changes, or is made now. */
  #part(part: object, make: () => string): string {
    let text = this.#textByPart.get(part);
    if (text === undefined) {
      text = make();
      this.#textByPart.set(part, text);
    }
    return text;
  }
}

function whole(status: BusStatus, processors: readonly string[], actors: readonly string[], isCut: boolean): string {
  const { processors: _processors, actors: _actors, ...facts } = status;
  const start = JSON.stringify({ ...facts, ...(isCut && { isCut }) }).slice(0, -1);
  return `${start},"processors":[${processors.join()}],"actors":[${actors.join()}]}`;
}

/** As many of `texts` as have room in `bytes`, with what stands between them. */
function fitting(texts: readonly string[], bytes: number): readonly string[] {
  let left = bytes;
  const end = texts.findIndex((text) => {
    left -= Buffer.byteLength(text) + 1;
    return left < 0;
  });
  return end < 0 ? texts : texts.slice(0, end);
}
