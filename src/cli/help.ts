/**
 * What `--help` prints. Option names, forms and exit codes in here are API: scripts rely on them.
 */

const exitCodeHelp = `Exit codes
  0  all is well
  1  verify found damage
  2  the command line is wrong
  3  the store can't be opened or read; the reason, with its code, is on stderr
     (with --json as {"error":{"code","message","detail"}})
`;

const jsonValuesHelp = `Values in JSON
  data and metadata are left out where an event has none. What JSON can't hold is an object with one property:
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

  varvebus info DIR     what it is, how much is in it
  varvebus read DIR     its events
  varvebus tail DIR     new events, as they come
  varvebus timers DIR   timers that have not fired yet
  varvebus verify DIR   checks every block, the order and the index

Options
  --json      JSON for programs: one object, or one for each event on a line of its own
  --help      this; after a command, more about it
  --version   the version of varvebus

Nothing is ever written to the store.

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

const verifyHelp = `varvebus verify DIR [--json]

Checks every block and record, the order without gaps, and the index against the log, also while the store is in use.
Prints a report; exit code 1 when something is wrong. A store too damaged to be opened gives exit code 3 and STORE_CORRUPT.

${exitCodeHelp}`;

/** What each command's `--help` prints. */
export const helpByCommand: ReadonlyMap<string, string> = new Map([
  ['info', infoHelp],
  ['read', readHelp],
  ['tail', tailHelp],
  ['timers', timersHelp],
  ['verify', verifyHelp],
]);
