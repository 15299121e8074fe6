/**
 * A dashboard on a port of its own, for a test.
 */
import { onTestFinished } from 'vitest';
import type { Bus } from '#actors/bus';
import { type DashboardOptions, dashboard } from '#dashboard';
import type { AnyEvent, EventShape } from '#store';

/** The address of a dashboard of `bus`, with a token; closed when the test ends. */
export async function siteOf<Events extends EventShape = AnyEvent>(
  bus: Bus<Events>,
  options: DashboardOptions<Events> = {},
): Promise<string> {
  const board = dashboard(bus, options);
  onTestFinished(() => board.close());
  return (await board.listen()).url;
}
