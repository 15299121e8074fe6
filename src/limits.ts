/**
 * Every limit of the store in one place, each with its unit and its reason.
 *
 * A limit that a caller can run into has an error code (see errors.ts); the others bound memory or latency.
 */

/** Largest encoded event: data, metadata, id and header together. `EVENT_TOO_LARGE` beyond. */
export const eventBytesMax = 8 * 2 ** 20;
/** Most events in one `append` or `appendMany` call. `EVENT_TOO_LARGE` beyond. */
export const callEventsMax = 10_000;
/** Most encoded bytes in one call. LMDB values stay below 15 MiB (lmdb-js hands out aliased memory from 16 MiB on). */
export const callBytesMax = 12 * 2 ** 20;

/** Bytes handed over to the writer and not yet committed. `append` waits beyond that. */
export const queueBytesMax = 64 * 2 ** 20;
/** Events handed over to the writer and not yet committed. `append` waits beyond that. */
export const queueEventsMax = 100_000;
/**
 * Events that a thread has on their way to the writer's: enough to keep it busy while it commits, few enough that most of a
 * long queue can still be withdrawn by an abort.
 */
export const windowEventsMax = 16_384;
/** Encoded bytes on their way to the writer's thread, unless a single call brings more. */
export const windowBytesMax = 16 * 2 ** 20;
/** Events that are sent off in the middle of a turn of the event loop: the writer starts while the caller still encodes. */
export const packEventsMax = 128;
/** How long a writer at work may show no sign of life before its bus is given up. Milliseconds. */
export const writerSilenceMaxMs = 60_000;
/** How long a close waits for processors to stop by themselves; each has a bound of its own, `drainMs`. Milliseconds. */
export const processorsStopMaxMs = 30_000;
/** How long a close waits for connected threads to close theirs. Milliseconds. */
export const disconnectMaxMs = 2_000;

/** Events in one write transaction: what a single fsync may be shared by, and the most a reader sees arrive at once. */
export const groupEventsMax = 10_000;
/** Encoded bytes in one write transaction, unless a single call brings more. */
export const groupBytesMax = 12 * 2 ** 20;

/** Stream and type names, in UTF-8 bytes. LMDB as built by lmdb-js takes keys of 1978 bytes (open.js, DEFAULT_MAX_KEY_SIZE). */
export const nameBytesMax = 512;
/** An event id given by the caller, in UTF-8 bytes. */
export const idBytesMax = 256;
/** The name of a subject, in UTF-8 bytes. */
export const subjectBytesMax = 512;
/** An idempotency key, in UTF-8 bytes. */
export const idempotencyKeyBytesMax = 512;
/** Nesting of objects and arrays in data or metadata; msgpackr recurses once per level. */
export const payloadDepthMax = 256;

/**
 * Target size of a block: one LMDB page of 4096 bytes less its 24-byte header (lmdb-js's mdb.c, PAGEHDRSZ), so that a full
 * block occupies exactly one page. Larger blocks make reads of scattered events slower (docs/decisions/0006).
 */
export const blockBytesMax = 4096 - 24;
/** Events in one block; dictionary indexes are 16 bits wide. */
export const blockEventsMax = 4096;

/** Events committed but not yet in the index tables. Bounds the memory of every reader's tail and the work at open. */
export const tailEventsMax = 16_384;
/** Blocks committed but not yet in the index tables: what a reader has to read to rebuild its tail. */
export const tailBlocksMax = 4_096;
/** Events in one row of `stream_index`: what a look-up of one version has to decode. */
export const indexRunEventsMax = 256;

/** Timers pending at a time: `TIMERS_FULL` beyond. Counting them anew, where the count is damaged, stays a matter of seconds. */
export const timersMax = 1_000_000;
/** A timer's key, in UTF-8 bytes. */
export const timerKeyBytesMax = 512;
/** Longest `delayMs` of a timer: ten years of 365 days. Milliseconds. */
export const timerDelayMaxMs = 10 * 365 * 24 * 3600 * 1000;
/**
 * Timers in one append when they fire, and orders in one write of them: others that append, and the event loop, have their
 * turn in between. With 2048 they fire a third faster, and the loop is held up twice as long (measured: 25 ms, 50 ms).
 */
export const timerBatchMax = 512;
/** Bytes of the rows of such a batch, unless a single timer has more. */
export const timerBatchBytesMax = 4 * 2 ** 20;
/** How long timers may go without a look at the clock, which may have jumped. Milliseconds. */
export const timerLookMaxMs = 60_000;
/** Longest wait before an append of timers that failed is tried again; the first is 100 ms, each further one twice as long. */
export const timerRetryMaxMs = 30_000;

/** Events in one page of a read. */
export const pageEventsMax = 1024;
/** Blocks looked at for one page of a read, so that a filter that matches nothing still gives way to other work. */
export const pageBlocksMax = 512;
/** Bytes of blocks or records one page keeps alive: what a consumer of large events holds at a time. */
export const pageBytesMax = 4 * 2 ** 20;
/** Stream heads the writer keeps in memory beyond those of the tail. */
export const headCacheMax = 65_536;

/** Partitions of one processor: each reads the log by itself, and has a cursor and a machine of its own. */
export const partitionsMax = 256;

/** Changes of state that each machine of a processor keeps for those who look: a page full. */
export const laneChangesMax = 50;
/** Failures that it keeps, with their stacks: 10 KB each at most. */
export const laneFailuresMax = 20;

/** Listeners that the tree of actors shows, the oldest ones: more than a page can use. */
export const shownListenersMax = 500;

/** Events that a listener keeps in memory unless it says otherwise. */
export const listenerBufferEvents = 1024;
/** Most events that a listener may be told to keep in memory. */
export const listenerBufferEventsMax = 65_536;

/** How often `execute` decides anew after a conflict, unless told otherwise: each time somebody else has got on. */
export const executeRetries = 20;
/** The most that may be asked for. */
export const executeRetriesMax = 1000;
/** How long an `execute` keeps the next one of its thread and stream waiting, at most. Milliseconds. */
export const executeTurnMaxMs = 64;
/** The wait before such a retry is random, at first up to 1 ms, twice that each time, and never more than this. Milliseconds. */
export const executeRetryMaxMs = 64;
/** A snapshot's state, encoded; LMDB values stay below 15 MiB. A larger one is not written, and that is reported. */
export const snapshotBytesMax = 8 * 2 ** 20;

/** Issues of a schema that a `SCHEMA_INVALID` carries. */
export const schemaIssuesMax = 100;
/** A key in a projection, in UTF-8 bytes: with the projection's name and 5 bytes it is a key of LMDB, which takes 1978. */
export const projectionKeyBytesMax = 1024;
/** One value of a projection, encoded: half a dozen writes of this size still fit into one transaction. */
export const projectionValueBytesMax = 2 * 2 ** 20;
/** Values of a projection that its processor keeps in memory between saves, beside those not saved yet. */
export const projectionCacheMax = 65_536;
/** Bytes of the same. */
export const projectionCacheBytesMax = 16 * 2 ** 20;
/** Entries read at a time by a handler's `range`, which may be left after the first. */
export const projectionRangePage = 128;
/** Rows of a build that is no longer needed, removed in one transaction. */
export const projectionSweepRows = 1024;
/** Erasures whose extent is kept in memory, so that several projections and the receipt look at the log once. */
export const erasureCountsMax = 1024;

/** What an application calls its master key, in UTF-8 bytes: longer than the names that services for keys give them. */
export const masterKeyIdBytesMax = 512;
/**
 * Data keys that a thread keeps unwrapped: half as many after a look at many others. Unwrapping one takes 20 us, keeping one
 * about 1 KB.
 */
export const keyCacheMax = 16_384;
/** Owners of data keys whose names the writer keeps in memory, so that their tags need not be computed for each event. */
export const keyOwnersCacheMax = 65_536;
/**
 * Seals with one key before its owner gets another: 2^32 with random nonces are allowed (NIST SP 800-38D, 8.3), and the
 * distance is more than can be sealed before it is noticed.
 */
export const keySealsMax = 2 ** 32 - 2 ** 20;
/** Seals with one key that a session may leave unrecorded: what each session since the last record is taken to have made. */
export const keySealsUnrecordedMax = 65_536;
/** How often a reader looks again at a keys file that is being changed under it, before it is called damaged. */
export const keyLooksMax = 50;
/** The wait before each of these looks. Milliseconds. */
export const keyLookWaitMs = 2;

/** What a bus tells other processes of itself in its `status` file; beyond, of many processors less is told, and then not of all. */
export const statusBytesMax = 256 * 2 ** 10;
/** Least time between two writes of that file. Milliseconds. */
export const statusWriteMs = 100;
/** And so many times as long as its thread worked for the last one of everything: quantities never take more than a hundredth of the thread. */
export const statusWriteFactor = 100;
/** The same for news between two of these: what changes all the time takes a fiftieth beside. */
export const statusNewsFactor = 50;
/** But where there were none for so long, that much is saved up: a fiftieth of it can be worked at once. Milliseconds. */
export const statusNewsSavedMs = 2_000;
/** Least time between two tries when it can't be written. Milliseconds. */
export const statusRetryMs = 5_000;
/** How often a reader looks again at a status that is just being written. */
export const statusLooksMax = 20;
/** Changes, and failures, of one lane in that file. */
export const statusHistoryMax = 5;
/** Characters of an error's message in that file; the rest is cut. */
export const statusMessageMax = 500;

/** Problems listed by `verify`; further ones are counted only. */
export const verifyProblemsMax = 100;

/** Positions, versions and times are stored in 48 bits: 281 trillion, or the year 10889. */
export const u48Max = 2 ** 48 - 1;

/** Prefixes of stream names whose events are sealed: each new stream is compared with all of them. */
export const sealPrefixesMax = 1_000;

/**
 * Dead letters, or streams with parked events, that are looked at in one turn of the event loop by who looks for some of them: a
 * few milliseconds.
 */
export const letterLooksMax = 1000;
/** Pages that may follow a dashboard at a time; a further one is answered 503. */
export const dashboardClientsMax = 32;
/** Topics that one page follows: what a page shows takes four. */
export const dashboardTopicsMax = 16;
/**
 * A frame that is longer gets no further topic: the rest follows in the next. One frame is all that a page which is slow to take
 * what is sent keeps waiting in memory.
 */
export const dashboardFrameCharactersMax = 2 ** 20;
/** How long a page may leave it there before it is disconnected; it comes again by itself when it can. Milliseconds. */
export const dashboardSilenceMaxMs = 10_000;
/** Least time between two frames: twenty a second. Milliseconds. */
export const dashboardFrameMs = 50;
/** Longest path with its query that a dashboard looks at: a stream's name is up to 512 bytes, each written as three characters. */
export const dashboardUrlCharactersMax = 8192;
/** Largest body of an order: 1000 positions and a reason fit in. Bytes. */
export const dashboardBodyBytesMax = 64 * 1024;
/** How long a body may take to arrive. Milliseconds. */
export const dashboardBodyMaxMs = 10_000;
/** How long `auth` may take; then it lets nobody in. Milliseconds. */
export const dashboardAuthMaxMs = 10_000;
/** Between two questions whether a page that stays connected may still look: so long one that was shut out goes on. Milliseconds. */
export const dashboardAccessMs = 30_000;
/** How long a token from `login()` is good. Milliseconds. */
export const dashboardTokenMs = 24 * 3600 * 1000;
/** Tokens that wait to be used; with one more the oldest is good no longer. */
export const dashboardTokensMax = 64;
/** Actors of the user's own that the tree shows, those below them included. */
export const dashboardUserActorsMax = 1000;
/** Transitions of each of the user's machines that are kept while somebody looks. */
export const dashboardMachineChangesMax = 50;
/** Sessions of one start, each a browser; with one more the oldest has to log in again. */
export const dashboardSessionsMax = 256;
/** Rows in one answer of a dashboard: events, letters, entries. A page of streams has up to five times as many. */
export const dashboardRowsMax = 200;
/** Rows of one topic. Others are left out. */
export const dashboardTopicRowsMax = 5000;
/** Characters of data, and of metadata, that are shown of an event; the rest is cut. */
export const dashboardTextCharactersMax = 256 * 1024;
/** Characters that are shown of a value in a list, of a message, and of a stack. */
export const dashboardValueCharactersMax = 8192;
/** How long one answer may look through the log, with turns for everything else in between. Milliseconds. */
export const dashboardSearchMaxMs = 400;
/** Positions that one answer looks through for the causes and effects of an event, in each direction. */
export const dashboardLinksMax = 20_000;

/** States of a machine whose chart is drawn: ten times what a page can show in a readable size. `CHART_TOO_LARGE` beyond. */
export const chartStatesMax = 500;
/** Transitions of its definition, those behind choices counted for each way there. `CHART_TOO_LARGE` beyond. */
export const chartTransitionsMax = 20_000;
/** Pairs of states that are joined. `CHART_TOO_LARGE` beyond. */
export const chartEdgesMax = 2_000;
/** How long the layout of a chart may take, in a thread of its own. `CHART_TOO_LARGE` beyond. Milliseconds. */
export const chartLayoutMsMax = 20_000;
