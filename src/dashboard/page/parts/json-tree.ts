/**
 * JSON text as a tree for people: numbers keep the digits they were written with, properties their order, and a text that was
 * cut somewhere still gives the tree of what is there.
 *
 * Never recurses, so the depth of what it reads is no danger. Text that is no JSON up to its cut has no tree.
 */

export type JsonNode = JsonLeaf | JsonBranch;

export interface JsonLeaf {
  readonly kind: 'string' | 'number' | 'boolean' | 'null';
  /** A string without quotes and escapes; of all others the text as it stands. */
  readonly text: string;
  /** The text ended in the middle of it. */
  readonly isCut?: true;
}

export interface JsonBranch {
  readonly kind: 'object' | 'array';
  /** Of an object, one for each value; of an array none. */
  readonly keys: readonly string[];
  readonly values: readonly JsonNode[];
  /** The text ended before it did. */
  readonly isCut?: true;
}

/** What is read so far of a branch. */
interface OpenBranch {
  readonly kind: 'object' | 'array';
  readonly keys: string[];
  readonly values: JsonNode[];
  isCut?: true;
}

/** The tree of `text`; `isCut` allows it to end anywhere. `undefined`: it is no JSON. */
export function readJson(text: string, isCut = false): JsonNode | undefined {
  const open: OpenBranch[] = [];
  let root: JsonNode | undefined;
  let at = 0;

  for (;;) {
    at = afterSpace(text, at);
    const branch = open.at(-1);
    if (branch === undefined && root !== undefined) return at === text.length ? root : undefined;
    if (at >= text.length) return isCut ? ended(open, root) : undefined;

    if (branch !== undefined) {
      const isEmpty = branch.values.length === 0;
      if (text[at] === (branch.kind === 'object' ? '}' : ']')) {
        // A comma or a key before it was looked for its value below, so this closes only where it may.
        open.pop();
        at += 1;
        continue;
      }
      if (!isEmpty) {
        if (text[at] !== ',') return undefined;
        at = afterSpace(text, at + 1);
        if (at >= text.length) return isCut ? ended(open, root) : undefined;
      }
      if (branch.kind === 'object') {
        const key = readString(text, at);
        if (key === undefined) return undefined;
        const colon = afterSpace(text, key.end);
        // A key whose value is missing is left out.
        if (key.isCut || colon >= text.length) return isCut ? ended(open, root) : undefined;
        if (text[colon] !== ':') return undefined;
        at = afterSpace(text, colon + 1);
        if (at >= text.length) return isCut ? ended(open, root) : undefined;
        branch.keys.push(key.text);
      }
    }

    const read = readValue(text, at);
    if (read === undefined) {
      // The end of a cut text may be half a word, such as `tr`.
      return isCut && /^[-+.\w]*$/.test(text.slice(at, at + 40)) ? ended(open, root, branch) : undefined;
    }
    if (branch === undefined) root = read.node;
    else branch.values.push(read.node);
    if (read.branch !== undefined) open.push(read.branch);
    if ('isCut' in read.node && read.branch === undefined) return isCut ? ended(open, root) : undefined;
    at = read.end;
  }
}

/** All that is still open ends here. `half`: its last key has no value. */
function ended(open: readonly OpenBranch[], root: JsonNode | undefined, half?: OpenBranch): JsonNode | undefined {
  if (half !== undefined && half.keys.length > half.values.length) half.keys.pop();
  for (const branch of open) branch.isCut = true;
  return root;
}

interface ReadValue {
  readonly node: JsonNode;
  readonly branch?: OpenBranch;
  readonly end: number;
}

function readValue(text: string, at: number): ReadValue | undefined {
  const first = text[at];
  if (first === '{' || first === '[') {
    const branch: OpenBranch = { kind: first === '{' ? 'object' : 'array', keys: [], values: [] };
    return { node: branch, branch, end: at + 1 };
  }
  if (first === '"') {
    const read = readString(text, at);
    if (read === undefined) return undefined;
    return { node: { kind: 'string', text: read.text, ...(read.isCut && { isCut: true }) }, end: read.end };
  }
  const word = wordAt(text, at);
  if (word === 'true' || word === 'false') return { node: { kind: 'boolean', text: word }, end: at + word.length };
  if (word === 'null') return { node: { kind: 'null', text: word }, end: at + word.length };
  if (!numberForm.test(word)) return undefined;
  return { node: { kind: 'number', text: word }, end: at + word.length };
}

const numberForm = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
const wordForm = /[-+.\w]*/y;

function wordAt(text: string, at: number): string {
  wordForm.lastIndex = at;
  return wordForm.exec(text)?.[0] ?? '';
}

/** The string that begins at `at`; `undefined` where none does, or none that JSON allows. */
function readString(text: string, at: number): { text: string; end: number; isCut: boolean } | undefined {
  if (text[at] !== '"') return undefined;
  let end = at + 1;
  for (; end < text.length && text[end] !== '"'; end++) if (text[end] === '\\') end += 1;
  const isCut = end >= text.length;
  const inner = isCut ? text.slice(at + 1).replace(halfEscape, '') : text.slice(at + 1, end);
  try {
    return { text: JSON.parse(`"${inner}"`), end: end + 1, isCut };
  } catch {
    // The one thing JSON.parse throws here: it is no string of JSON.
    return undefined;
  }
}

/** A cut may leave `\` or `\u12`; an even number of backslashes before it is whole. */
const halfEscape = /(?<=(?:^|[^\\])(?:\\\\)*)\\(?:u[\da-fA-F]{0,3})?$/;

function afterSpace(text: string, at: number): number {
  let end = at;
  while (end < text.length && ' \n\r\t'.includes(text[end] as string)) end += 1;
  return end;
}
