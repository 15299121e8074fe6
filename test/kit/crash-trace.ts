/**
 * What a process did to the files of a store, in order: read from strace's text or from the journal of the preloaded library.
 *
 * Both give the same list. `entry` and `exit` say when a call began and ended: only their order means something.
 */

/** Arguments that make strace print what `parseStrace` reads. */
export const straceArguments = [
  '-f',
  '-y',
  '-s',
  '64',
  '-e',
  // With a question mark: what not every processor's kernel has.
  'trace=openat,write,pwrite64,writev,pwritev,fsync,fdatasync,msync,ftruncate,?rename,renameat,renameat2,?unlink,unlinkat',
] as const;

/**
 * `page`: a write to the data file. `meta`: one to its meta pages, which makes a transaction the newest. `sync`: of a file
 * or directory, whole. `line`: a write to any other file.
 */
type TracedKind = 'page' | 'meta' | 'sync' | 'line' | 'rename' | 'unlink' | 'truncate';

export interface TracedCall {
  readonly kind: TracedKind;
  readonly path: string;
  readonly entry: number;
  readonly exit: number;
  readonly hasFailed: boolean;
  /** A write through a descriptor with O_DSYNC: on disk when it returns. */
  readonly isDsync: boolean;
  /** What a `line` says; the new path of a `rename`. */
  readonly text: string;
  readonly offset: number;
  /** What was written, where the source tells (not strace). */
  readonly bytes: Buffer | undefined;
}

/** LMDB's two meta pages are the first two of the data file. */
const metaBytes = 2 * 4096;

/** Calls in the text that strace wrote with `straceArguments`, in the order in which they ended. */
export function parseStrace(text: string): TracedCall[] {
  const calls: TracedCall[] = [];
  const unfinished = new Map<string, { readonly start: string; readonly entry: number }>();
  const dsyncByFile = new Map<string, boolean>();
  for (const [index, line] of text.split('\n').entries()) {
    const [, pid, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (pid === undefined || rest === undefined) continue;
    const start = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    if (start !== undefined) {
      unfinished.set(pid, { start, entry: index });
      continue;
    }
    const end = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const begun = end === undefined ? { start: '', entry: index } : unfinished.get(pid);
    if (begun === undefined) continue;
    const call = parseCall(begun.start + (end ?? rest), begun.entry, index, dsyncByFile);
    if (call !== undefined) calls.push(call);
  }
  return calls;
}

/** `name(arguments) = result`, with `fd<path>` for descriptors. Remembers how files were opened. */
function parseCall(
  text: string,
  entry: number,
  exit: number,
  dsyncByFile: Map<string, boolean>,
): TracedCall | undefined {
  const [, name, given, result] = /^(\w+)\((.*)\)\s+= (-?\d+.*)$/.exec(text) ?? [];
  if (name === undefined || given === undefined || result === undefined) return undefined;
  const hasFailed = result.startsWith('-');
  if (name === 'openat') {
    const [, file] = /^(\d+<[^>]*>)/.exec(result) ?? [];
    if (file !== undefined) dsyncByFile.set(file, /\bO_D?SYNC\b/.test(given));
    return undefined;
  }
  const call = { entry, exit, hasFailed, isDsync: false, text: '', offset: 0, bytes: undefined };
  if (name.startsWith('rename') || name.startsWith('unlink')) {
    const [path, to] = [...given.matchAll(/"([^"]*)"/g)].map((match) => match[1] as string);
    return { ...call, kind: to === undefined ? 'unlink' : 'rename', path: path ?? '', text: to ?? '' };
  }
  const [file, path] = /^\d+<([^>]*)>/.exec(given) ?? [];
  if (name === 'msync') return { ...call, kind: 'sync', path: '/log.mdb' };
  if (file === undefined || path === undefined) return undefined;
  if (name === 'fsync' || name === 'fdatasync') return { ...call, kind: 'sync', path };
  if (name === 'ftruncate') return { ...call, kind: 'truncate', path };
  const isDsync = dsyncByFile.get(file) ?? false;
  const written = /"((?:[^"\\]|\\.)*)"/.exec(given)?.[1] ?? '';
  const [, length, at] = name === 'pwrite64' ? (/, (\d+), (\d+)$/.exec(given) ?? []) : [];
  const offset = at === undefined ? undefined : Number(at);
  return {
    ...call,
    isDsync,
    kind: writeKind(path, offset, Number(length ?? 0)),
    path,
    text: written.replaceAll('\\n', '\n'),
    offset: offset ?? 0,
  };
}

function writeKind(path: string, offset: number | undefined, length: number): TracedKind {
  if (!/\/log\.mdb(\.new)?$/.test(path)) return 'line';
  // A new file begins with both meta pages in one write, which is none of a transaction.
  return offset !== undefined && offset < metaBytes && length <= metaBytes / 2 ? 'meta' : 'page';
}

const journalKinds = [undefined, undefined, 'sync', 'rename', 'unlink', 'truncate'] as const;
/** sizeof(struct record) in preload/write-journal.c. */
const recordBytes = 48;

/** Calls in the journal of the preloaded library, in the order in which they ended. */
export function parseJournal(journal: Buffer): TracedCall[] {
  const calls: TracedCall[] = [];
  for (let at = 0; at + recordBytes <= journal.length; ) {
    const pathBytes = journal.readUInt32LE(at);
    const dataBytes = journal.readUInt32LE(at + 4);
    const operation = journal.readUInt8(at + 8);
    const offset = Number(journal.readBigUInt64LE(at + 16));
    const data = at + recordBytes + pathBytes;
    // A process that was killed may have left half a record.
    if (data + dataBytes > journal.length) break;
    const path = journal.toString('utf8', at + recordBytes, data);
    const bytes = journal.subarray(data, data + dataBytes);
    const kind = journalKinds[operation] ?? writeKind(path, offset, dataBytes);
    calls.push({
      kind,
      path,
      entry: Number(journal.readBigUInt64LE(at + 32)),
      exit: Number(journal.readBigUInt64LE(at + 40)),
      hasFailed: journal.readBigInt64LE(at + 24) < 0n,
      isDsync: journal.readUInt8(at + 9) !== 0,
      text: kind === 'line' || kind === 'rename' ? bytes.toString() : '',
      offset,
      bytes,
    });
    at = data + dataBytes;
  }
  return calls;
}
