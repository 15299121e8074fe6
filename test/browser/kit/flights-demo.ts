/**
 * The flights of `npm run demo -- --ui`, as a process of their own.
 */
import { startExample } from '../../cli/child-program.ts';
import { tempDirectory } from '../../kit/temp-store.ts';

export interface FlightsDemo {
  /** Of its dashboard, with a token. */
  readonly url: string;
  /** Of its store. */
  readonly directory: string;
  /** Where it may leave things. */
  readonly temporary: string;
  /** Ctrl-C: resolves with its exit code. */
  readonly stop: () => Promise<number | null>;
}

/** Killed when the test ends, if it is not stopped before. */
export async function startFlights(): Promise<FlightsDemo> {
  const temporary = tempDirectory();
  const program = startExample('flights/demo.ts', ['--ui', '--json'], { env: { TMPDIR: temporary } });
  const [line = ''] = await program.untilLines(1);
  const { url, directory } = JSON.parse(line);
  const stop = async () => {
    program.child.kill('SIGINT');
    return (await program.ended).code;
  };
  return { url, directory, temporary, stop };
}
