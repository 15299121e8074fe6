/**
 * What `--help` prints. Option names, forms and exit codes in here are API: scripts rely on them.
 */

const exitCodeHelp = `Exit codes
  0  all is well
  1  verify found damage
  2  the command line is wrong
  3  the store can't be opened, read or written; the reason, with its code, is on stderr
     (with --json as {"error":{"code","message","detail"}})
`;

const jsonValuesHelp = `Values in JSON
  data and metadata are left out where an event has none; one whose key was erased has neither, and "erased":true. What JSON
  can't hold is an object with one property:
    {"$undefined":true}  {"$number":"NaN"} (also "Infinity", "-Infinity")  {"$bigint":"1"}
    {"$date":"2001-01-01T00:47:00.000Z"} (null: an invalid one)  {"$map":[[key,value]]}  {"$set":[member]}
    {"$binary":{"type":"Uint8Array","base64":"AAE="}} (any typed array, DataView or ArrayBuffer, little-endian)
  A property of yours whose name starts with $ is written with one $ more.
`;

const selectionHelp = `  --type NAME     only events of this type; may be repeated
  --stream NAME   only events of this stream; may be repeated
  --prefix TEXT   only streams whose name starts with this
  --limit N       at most N events
`;

export const generalHelp = `varvebus: looks into a store of events, also while another process writes it

  varvebus info DIR                what it is, how much is in it
  varvebus read DIR                its events
  varvebus tail DIR                new events, as they come
  varvebus timers DIR              timers that have not fired yet
  varvebus verify DIR              checks every block, the order and the index
  varvebus processors DIR          how far each processor is
  varvebus dead-letters DIR NAME   what a processor gave up; also to have it tried again, or to discard it
  varvebus ui DIR                  a dashboard in the browser, live
  varvebus graph [MACHINE]         the statechart of a processor, or of a machine of yours; needs no store

Options
  --key-file FILE   the master key of an encrypted store: 64 hexadecimal digits, base64 of 32 bytes, or 32 bytes; otherwise
              it is taken from the variable VARVEBUS_MASTER_KEY. Never give a key on the command line itself: others see that
  --json      JSON for programs: one object, or one for each event on a line of its own
  --help      this; after a command, more about it
  --version   the version of varvebus

Nothing is written to the store, but by dead-letters --retry and --discard.

${exitCodeHelp}`;

const infoHelp = `varvebus info DIR [--json]

Tells what the store is and how much is in it. Times in JSON are milliseconds since 1970.

${exitCodeHelp}`;

const readHelp = `varvebus read DIR [options]

Prints the events of the store by position, up to the last one at the start.

  --from N        first position (default 1)
  --to N          last position, inclusive
  --backward      newest first
${selectionHelp}  --json          one JSON object a line; otherwise long values are shortened

${jsonValuesHelp}
${exitCodeHelp}`;

const tailHelp = `varvebus tail DIR [options]

Prints new events as soon as they are durable, until SIGINT or SIGTERM (exit code 0) or until its reader goes away.

  --after N       start behind position N; 0 is the beginning (default: the last event at the start)
${selectionHelp}  --json          one JSON object a line; otherwise long values are shortened

${jsonValuesHelp}
${exitCodeHelp}`;

const timersHelp = `varvebus timers DIR [--limit N] [--json]

Prints the timers that have not fired yet, in the order in which they will: when each is due, the stream and the type of its
event, its key, and what the event holds.

  --limit N       at most N timers
  --json          one JSON object a line: key, dueMs, scheduledMs, stream, type, id, data, metadata; otherwise long values are
                  shortened. Times are milliseconds since 1970

${jsonValuesHelp}
${exitCodeHelp}`;

const verifyHelp = `varvebus verify DIR [--erased] [--json]

Checks every block and record, the order without gaps, and the index against the log, also while the store is in use.
Prints a report; exit code 1 when something is wrong. A store too damaged to be opened gives exit code 3 and STORE_CORRUPT.

  --erased   then reads the bytes of every file in DIR, and looks for keys that were erased: exit code 1 when anything of
             one is left. For a store with encryption


${exitCodeHelp}`;

const processorsHelp = `varvebus processors DIR [--json]

Tells of each processor how far it has come, durably, and what it gave up, whether it runs or not: the position of its cursor,
how far that is behind the last event, the generation (each reset raises it), when the cursor was moved last, dead letters,
those of them that wait to be tried again, those discarded, and events parked behind dead letters. A processor with
partitions is as far as the lowest of them; each has a line of its own. A build of a projection is $projection/BUILD/NAME.
A processor saves its cursor now and then: it may be further than that. In JSON: one object with head and processors; times are milliseconds since 1970.

${exitCodeHelp}`;

const deadLettersHelp = `varvebus dead-letters DIR NAME [options]

Lists the dead letters of the processor NAME, oldest first, without the discarded ones.

  --after N           start behind position N
  --limit N           at most N
  --stream S          only those of the stream S
  --show N            the one at position N, with its stack and its event
  --retry N|all       has the processor try it once more, when it starts next; its cursor stays where it is
  --discard N|all     nobody wants it any more; it is kept as a record
  --reason TEXT       why: goes with --discard
  --json              one JSON object a line; with --retry {"handled","failed","waiting"}, with --discard {"discarded"}

--retry and --discard write. They need the store for themselves: while the app runs they end with STORE_LOCKED. Stop the app,
or do it there, with bus.deadLetters(name). A letter that does not exist gives exit code 3 and NO_DEAD_LETTER.

${jsonValuesHelp}
${exitCodeHelp}`;

const uiHelp = `varvebus ui DIR [options]

Serves a dashboard of the store, and prints its address, until SIGINT or SIGTERM (exit code 0). The app that writes the store may
run, and needs no code for it: its processors are shown as they are, up to ten times a second. Nothing can be ordered here; for
buttons mount varvebus/dashboard in the app. Only this machine can reach it, and only who has the address, which is good
once: it has a token that becomes a cookie of the browser.

  --port N   listen on this port of 127.0.0.1 (default: any that is free)
  --json     one JSON object {"url"} on a line of its own

${exitCodeHelp}`;

const graphHelp = `varvebus graph [processor|bus|supervisor|MODULE] [options]

Prints the statechart of one of our own machines (default processor), or of a state machine of XState 5 that a module exports: the
path of a JavaScript or TypeScript file, which is loaded, so its code runs. A file called like one of ours: ./processor

  --export NAME     which of the module's exports (default: the only machine)
  --format FORMAT   mermaid: text for documents (default)
                    svg: a picture, for light and dark
                    json: states, edges and their places in pixels
  --out FILE        writes it there instead of printing it
  --json            the same as --format json

svg and json of a module need the package elkjs.

${exitCodeHelp}`;

/** What each command's `--help` prints. */
export const helpByCommand: ReadonlyMap<string, string> = new Map([
  ['info', infoHelp],
  ['read', readHelp],
  ['tail', tailHelp],
  ['timers', timersHelp],
  ['verify', verifyHelp],
  ['processors', processorsHelp],
  ['dead-letters', deadLettersHelp],
  ['ui', uiHelp],
  ['graph', graphHelp],
]);
