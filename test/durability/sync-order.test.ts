/**
 * The order of the promise: data on disk, then the meta page that leads to it, then the ack.
 *
 * Seen from outside, by strace and by a preloaded library; each that is there is used. The check itself is checked with
 * wrong orders made by hand, and with a writer that lies.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program, type StartOptions } from '../kit/crash-process.ts';
import { earlyAcks, unsyncedMetas } from '../kit/crash-sync-order.ts';
import { buildJournal, hasStrace, needTool } from '../kit/crash-tools.ts';
import { parseJournal, parseStrace, straceArguments, type TracedCall } from '../kit/crash-trace.ts';
import type { AckWriterOptions } from './programs/ack-writer.ts';

const journal = buildJournal();
const ackCount = 12;

interface Tracer {
  readonly name: string;
  readonly isThere: boolean;
  start(directory: string, output: string): StartOptions;
  parse(output: string): TracedCall[];
}

const strace: Tracer = {
  name: 'strace',
  isThere: hasStrace,
  start: (_directory, output) => ({ under: ['strace', ...straceArguments, '-o', output] }),
  parse: (output) => parseStrace(readFileSync(output, 'utf8')),
};
const preload: Tracer = {
  name: 'a preloaded library',
  isThere: journal !== undefined,
  start: (directory, output) => journal?.start(directory, output) ?? {},
  parse: (output) => parseJournal(readFileSync(output)),
};

/** Both must be missing for a test to be skipped: with one, the order is proven. */
function needTracer(context: TestContext, tracer: Tracer): void {
  if (!tracer.isThere && (hasStrace || journal !== undefined)) context.skip(`${tracer.name} is not available here`);
  needTool(context, tracer.isThere, tracer.name);
}

/** Without what happened to the file before it got its name: it is synced as a whole then. */
function ofTheStore(trace: readonly TracedCall[]): TracedCall[] {
  return trace.filter(({ path }) => path.endsWith('/log.mdb'));
}

async function traceWriter(tracer: Tracer, options: Partial<AckWriterOptions>): Promise<TracedCall[]> {
  const directory = crashDirectory();
  const output = join(directory, 'trace');
  const argument: AckWriterOptions = {
    path: join(directory, 'store'),
    acks: join(directory, 'acks'),
    durability: 'sync',
    count: ackCount,
    isEarly: false,
    ...options,
  };
  const writer = Program.start(
    new URL('programs/ack-writer.ts', import.meta.url),
    argument,
    tracer.start(directory, output),
  );
  expect(await writer.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  return tracer.parse(output);
}

const honest = new Map<Tracer, Promise<TracedCall[]>>();

/** The trace of one writer, for all tests that only look at it. */
function honestTrace(tracer: Tracer): Promise<TracedCall[]> {
  const trace = honest.get(tracer) ?? traceWriter(tracer, {});
  honest.set(tracer, trace);
  return trace;
}

describe.each([strace, preload])('seen by $name', (tracer) => {
  test('an append resolves after its pages, and then the meta page that leads to them, are on disk', async (context) => {
    needTracer(context, tracer);

    const trace = await honestTrace(tracer);

    expect(earlyAcks(trace, ackCount)).toEqual([]);
    expect(unsyncedMetas(ofTheStore(trace))).toEqual([]);
  });

  test('a meta page is written through a descriptor that syncs by itself', async (context) => {
    needTracer(context, tracer);

    const trace = await honestTrace(tracer);

    const metas = ofTheStore(trace).filter(({ kind }) => kind === 'meta');
    expect(metas.length).toBeGreaterThan(ackCount);
    expect(metas.filter(({ isDsync }) => !isDsync)).toEqual([]);
  });

  test("with durability 'os' an append resolves before any sync, and the check can tell", async (context) => {
    needTracer(context, tracer);

    const trace = await traceWriter(tracer, { durability: 'os' });

    const begun = trace.findIndex(({ text }) => text === 'begin 1\n');
    // A key is on disk before it seals anything, whatever the durability.
    const isSync = ({ kind, path }: TracedCall) => kind === 'sync' && !path.endsWith('/keys');
    expect(trace.slice(begun).filter(isSync)).toEqual([]);
    expect(earlyAcks(trace, ackCount)).toHaveLength(ackCount);
    expect(unsyncedMetas(ofTheStore(trace)).length).toBeGreaterThanOrEqual(ackCount);
  });

  test('a writer that acknowledges before its append has resolved is caught', async (context) => {
    needTracer(context, tracer);

    const trace = await traceWriter(tracer, { isEarly: true });

    expect(earlyAcks(trace, ackCount)).toEqual(
      Array.from({ length: ackCount }, (_, index) => `ack ${index + 1}: nothing was written before it`),
    );
  });

  test('a new store is synced before it gets its name, and its directory after that', async (context) => {
    needTracer(context, tracer);

    const trace = await honestTrace(tracer);

    const named = trace.findIndex(({ kind, text }) => kind === 'rename' && text.endsWith('/log.mdb'));
    const lastWrite = trace.slice(0, named).findLastIndex(({ path }) => path.endsWith('/log.mdb.new'));
    const begun = trace.findIndex(({ text }) => text === 'begin 1\n');
    expect(trace[lastWrite]).toMatchObject({ kind: 'sync' });
    expect(trace.slice(named, begun)).toContainEqual(
      expect.objectContaining({ kind: 'sync', path: expect.stringMatching(/\/store$/), hasFailed: false }),
    );
  });
});

test('strace and the preloaded library see the same', async (context) => {
  needTool(context, hasStrace && journal !== undefined, 'strace beside a C compiler');

  const seen = await Promise.all([strace, preload].map(honestTrace));

  // Calls that only strace follows (other directories) left out. How LMDB parts its pages into calls is its own affair.
  const [byStrace, byPreload] = seen.map((trace) =>
    trace
      .filter(({ path, kind }) => /\/(log\.mdb(\.new)?|acks)$/.test(path) && kind !== 'page')
      .map(({ kind, isDsync, text }) => `${kind} ${isDsync} ${kind === 'line' ? text : ''}`),
  );
  expect(byPreload).toEqual(byStrace);
});

describe('the check', () => {
  const path = '/store/log.mdb';

  /** One call after the other, each begun and ended before the next. */
  function traceOf(...calls: (Partial<TracedCall> & Pick<TracedCall, 'kind'>)[]): TracedCall[] {
    return calls.map((call, index) => ({
      path,
      entry: 2 * index,
      exit: 2 * index + 1,
      hasFailed: false,
      isDsync: false,
      text: '',
      offset: 0,
      bytes: undefined,
      ...call,
    }));
  }

  const begin = { kind: 'line', path: '/acks', text: 'begin 1\n' } as const;
  const ack = { kind: 'line', path: '/acks', text: 'ack 1\n' } as const;
  const [page, sync, meta] = [{ kind: 'page' }, { kind: 'sync' }, { kind: 'meta', isDsync: true }] as const;

  test('passes pages, their sync, a meta page that syncs by itself, an ack', () => {
    expect(earlyAcks(traceOf(begin, page, page, sync, meta, ack), 1)).toEqual([]);
  });

  test('passes a meta page that is synced by a call of its own', () => {
    expect(earlyAcks(traceOf(begin, page, sync, { kind: 'meta' }, sync, ack), 1)).toEqual([]);
  });

  test.each([
    ['an ack before everything', [begin, ack, page, sync, meta], 'nothing was written before it'],
    ['an ack before the sync of the pages', [begin, page, ack, sync, meta], 'no meta page was written before it'],
    ['an ack before the meta page', [begin, page, sync, ack, meta], 'no meta page was written before it'],
    [
      'an ack before the sync of the meta page',
      [begin, page, sync, { kind: 'meta' }, ack, sync],
      'the meta page was not synced before it',
    ],
    [
      'a meta page before the sync of the pages',
      [begin, page, meta, sync, ack],
      'the meta page was written before the pages were synced',
    ],
    ['no sync of the pages', [begin, page, meta, ack], 'the meta page was written before the pages were synced'],
    [
      'a sync before the last page',
      [begin, page, sync, page, meta, ack],
      'the meta page was written before the pages were synced',
    ],
    [
      'a page after the meta page',
      [begin, page, sync, meta, page, ack],
      'pages were written after the meta page that leads to them',
    ],
    [
      'a sync that failed',
      [begin, page, { ...sync, hasFailed: true }, meta, ack],
      'the meta page was written before the pages were synced',
    ],
    [
      'a meta page that failed',
      [begin, page, sync, { ...meta, hasFailed: true }, ack],
      'no meta page was written before it',
    ],
    [
      'a sync of another file',
      [begin, page, { ...sync, path: '/other' }, meta, ack],
      'the meta page was written before the pages were synced',
    ],
    ['a commit that is older than the call', [page, sync, meta, begin, ack], 'nothing was written before it'],
  ] as const)('finds %s', (_what, calls, problem) => {
    expect(earlyAcks(traceOf(...calls), 1)).toEqual([`ack 1: ${problem}`]);
  });

  test('finds a sync that had not returned when the meta page was written', () => {
    const trace = traceOf(begin, page, sync, meta, ack).map((call) =>
      call.kind === 'sync' ? { ...call, exit: 6.5 } : call,
    );

    expect(earlyAcks(trace, 1)).toEqual(['ack 1: the meta page was written before the pages were synced']);
  });

  test('finds a meta page that had not returned when the ack was written', () => {
    const trace = traceOf(begin, page, sync, meta, ack).map((call) =>
      call.kind === 'meta' ? { ...call, exit: 8.5 } : call,
    );

    expect(earlyAcks(trace, 1)).toEqual(['ack 1: no meta page was written before it']);
  });

  test('finds an ack that is missing', () => {
    expect(earlyAcks(traceOf(begin, page, sync, meta), 1)).toEqual(['there are 0 acks instead of 1']);
  });

  test('reads calls that strace saw begin and end on two lines', () => {
    const trace = parseStrace(
      [
        '7 openat(AT_FDCWD</>, "/s/log.mdb", O_WRONLY|O_DSYNC|O_CLOEXEC) = 9</s/log.mdb>',
        '7 pwrite64(9</s/log.mdb>, "\\0\\"x"..., 128, 4136 <unfinished ...>',
        '8 fdatasync(5</s/log.mdb>)         = -1 EIO (Input/output error) (INJECTED)',
        '7 <... pwrite64 resumed>)             = 128',
        '7 write(4</s/acks>, "ack 1\\n", 6)       = 6',
        '7 +++ exited with 0 +++',
      ].join('\n'),
    );

    expect(trace).toMatchObject([
      { kind: 'sync', path: '/s/log.mdb', entry: 2, exit: 2, hasFailed: true },
      { kind: 'meta', path: '/s/log.mdb', entry: 1, exit: 3, hasFailed: false, isDsync: true, offset: 4136 },
      { kind: 'line', path: '/s/acks', text: 'ack 1\n', isDsync: false },
    ]);
  });
});
