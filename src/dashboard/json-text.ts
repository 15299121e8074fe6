/**
 * Stored values as indented JSON text, cut where it grows too long: no more of a value is looked at than is shown.
 *
 * What JSON has no form for is written as the command line does it (cli/json-form.ts): `{ "$date": … }` and so on.
 */
import { types } from 'node:util';

export interface JsonText {
  readonly text: string;
  /** The rest is not there: this is not JSON any more. */
  readonly isCut: boolean;
}

/** `value` is what an event, or an entry, can hold (codec/payload.ts). */
export function jsonText(value: unknown, charactersMax: number, indent = 2): JsonText {
  const writer = new JsonWriter(charactersMax, indent);
  writer.write(value, 0);
  return { text: writer.text.slice(0, charactersMax).toWellFormed(), isCut: writer.isFull };
}

class JsonWriter {
  readonly #max: number;
  readonly #indent: number;
  readonly #parts: string[] = [];
  #length = 0;

  constructor(max: number, indent: number) {
    this.#max = max;
    this.#indent = indent;
  }

  get isFull(): boolean {
    return this.#length > this.#max;
  }

  get text(): string {
    return this.#parts.join('');
  }

  write(value: unknown, depth: number): void {
    if (typeof value === 'string') this.#string(value);
    else if (value === null || typeof value === 'boolean') this.#add(String(value));
    else if (typeof value === 'number' && Number.isFinite(value)) this.#add(JSON.stringify(value));
    else if (typeof value === 'number') this.#tag('$number', String(value), depth);
    else if (typeof value === 'bigint') this.#tag('$bigint', String(value), depth);
    else if (typeof value === 'object') this.#object(value, depth);
    else this.#tag('$undefined', true, depth);
  }

  #object(value: object, depth: number): void {
    if (Array.isArray(value)) this.#items(value, depth);
    else if (types.isDate(value)) this.#tag('$date', isoTime(value), depth);
    else if (types.isMap(value)) this.#tag('$map', value, depth);
    else if (types.isSet(value)) this.#tag('$set', value, depth);
    else if (ArrayBuffer.isView(value)) this.#bytes(value, value.buffer, value.byteOffset, value.byteLength, depth);
    else if (types.isAnyArrayBuffer(value)) this.#bytes(value, value, 0, value.byteLength, depth);
    else this.#properties(value, depth);
  }

  #properties(value: object, depth: number): void {
    this.#list('{', '}', Object.keys(value), depth, (name) => {
      this.#string(name.startsWith('$') ? `$${name}` : name);
      this.#add(this.#colon);
      this.write((value as Record<string, unknown>)[name], depth + 1);
    });
  }

  #tag(tag: string, value: unknown, depth: number): void {
    this.#list('{', '}', [tag], depth, () => {
      this.#add(`"${tag}"${this.#colon}`);
      if (types.isMap(value) || types.isSet(value)) this.#items(value, depth + 1);
      else this.write(value, depth + 1);
    });
  }

  #items(items: Iterable<unknown>, depth: number): void {
    this.#list('[', ']', items, depth, (item) => this.write(item, depth + 1));
  }

  #bytes(value: object, buffer: ArrayBufferLike, offset: number, length: number, depth: number): void {
    const type = Buffer.isBuffer(value) ? 'Uint8Array' : Object.prototype.toString.call(value).slice(8, -1);
    const shown = Math.min(length, this.#max);
    const base64 = Buffer.from(buffer, offset, shown).toString('base64');
    this.#list('{', '}', ['$binary'], depth, () => {
      this.#add(`"$binary"${this.#colon}`);
      this.write({ type, base64 }, depth + 1);
    });
    // What is left out is at least as long as what is shown.
    if (shown < length) this.#length = this.#max + 1;
  }

  #list<Item>(open: string, close: string, items: Iterable<Item>, depth: number, write: (item: Item) => void): void {
    this.#add(open);
    let isFirst = true;
    for (const item of items) {
      if (this.isFull) return;
      this.#add(`${isFirst ? '' : ','}${this.#line(depth + 1)}`);
      isFirst = false;
      write(item);
    }
    this.#add(isFirst ? close : `${this.#line(depth)}${close}`);
  }

  #string(text: string): void {
    const left = Math.max(0, this.#max - this.#length);
    if (text.length <= left) {
      this.#add(JSON.stringify(text));
    } else {
      // The closing quote belongs to what is cut.
      this.#add(JSON.stringify(text.slice(0, left)).slice(0, -1));
      this.#length = this.#max + 1;
    }
  }

  #line(depth: number): string {
    return this.#indent === 0 ? '' : `\n${' '.repeat(this.#indent * depth)}`;
  }

  get #colon(): string {
    return this.#indent === 0 ? ':' : ': ';
  }

  #add(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
  }
}

function isoTime(date: Date): string | null {
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
