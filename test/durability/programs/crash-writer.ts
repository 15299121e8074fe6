/**
 * A writer that appends the calls of a workload until it is killed, or until it has made enough of them and closes.
 *
 * Before each call and after each outcome it writes a witness line. Says `opening`, `open`, `acked` (once `tellAfter` calls
 * are), `closing` and `closed`.
 */
import { openSync, writeSync } from 'node:fs';
import { type Bus, isBusError, openBus } from '#store';
import { type WitnessLine, witnessLine } from '../../kit/crash-witness.ts';
import { type Call, callAt, callOfId, contentHash, type Workload, widthAt } from '../../kit/crash-workload.ts';

export interface CrashWriterOptions {
  readonly path: string;
  readonly witness: string;
  readonly durability: 'sync' | 'os';
  readonly workload: Workload;
  /** Calls of earlier writers to try again first: their outcome is not known. */
  readonly retries: readonly { readonly workload: Workload; readonly call: string }[];
  readonly tellAfter: number;
  /** What its user does then: leaves with code 7, or fails where nobody catches it. @default nothing */
  readonly ending?: 'exit' | 'throw';
  /** Closes after so many calls; also the bound of the loop. */
  readonly callsMax: number;
  /** Hosts the writer in the main thread: then the same calls always make the same commits. @default false */
  readonly inline?: boolean;
}

const options = JSON.parse(process.argv[2] as string) as CrashWriterOptions;
const witness = openSync(options.witness, 'a');
let ackedCount = 0;

function tell(line: WitnessLine): void {
  writeSync(witness, witnessLine(line));
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function endAsAsked(): void {
  say('acked');
  if (options.ending === 'exit') process.exit(7);
  if (options.ending === 'throw')
    process.nextTick(() => {
      throw new Error('planted');
    });
}

async function make(bus: Bus, call: Call): Promise<void> {
  tell({ kind: 'started', call: call.id });
  const { idempotencyKey } = call;
  const keyed = idempotencyKey === undefined ? {} : { idempotencyKey };
  try {
    const [part] = call.parts;
    const results =
      call.parts.length === 1 && part !== undefined
        ? [
            await bus.append(part.stream, part.events, {
              ...keyed,
              ...(call.isRefused ? { expectedVersion: 2 ** 40 } : {}),
            }),
          ]
        : await bus.appendMany(
            call.parts.map(({ stream, events }, index) => ({
              stream,
              events,
              ...(call.isRefused && index === 0 ? { expectedVersion: 2 ** 40 } : {}),
            })),
            keyed,
          );
    tell({
      kind: 'acked',
      call: call.id,
      hash: contentHash(call.parts.flatMap(({ events }) => events)),
      duplicate: results.some(({ duplicate }) => duplicate),
      places: results.map((result) => [
        result.stream,
        result.firstVersion,
        result.lastVersion,
        result.firstPosition,
        result.lastPosition,
      ]),
    });
    if (++ackedCount === options.tellAfter) endAsAsked();
  } catch (error) {
    if (!call.isRefused || !isBusError(error, 'CONCURRENCY_CONFLICT')) throw error;
    tell({ kind: 'refused', call: call.id, code: error.code });
  }
}

async function run(): Promise<void> {
  say('opening');
  const { path, durability, inline = false } = options;
  const bus = await openBus({ path, durability, inline, lockWaitMs: 5000 });
  say('open');
  for (const { workload, call } of options.retries) await make(bus, callAt(workload, callOfId(call).index));
  const inFlight = new Set<Promise<void>>();
  for (let index = 0; index < options.callsMax; index++) {
    const made = make(bus, callAt(options.workload, index)).finally(() => inFlight.delete(made));
    inFlight.add(made);
    while (inFlight.size >= widthAt(options.workload, index)) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  say('closing');
  await bus.close();
  tell({ kind: 'closed' });
  say('closed');
}

await run();
