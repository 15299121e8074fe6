/**
 * `npm run demo -- --ui`: the flights depart for as long as one likes to watch, on the dashboard.
 */
import { createActor } from 'xstate';
import { dashboard } from '#dashboard';
import { openBus } from '#store';
import { loadFlights } from './flights.ts';
import { startConsumers } from './live-consumers.ts';
import { type AirportEvent, appendBacklog, replay } from './live-events.ts';
import { operate } from './live-operator.ts';
import { tower } from './live-tower.ts';

export interface LiveSettings {
  readonly directory: string;
  readonly port: number;
  readonly signal: AbortSignal;
  /** Called with the address of the dashboard when it can be opened. */
  readonly onUrl: (url: string) => void;
}

/** Goes on until `signal`. */
export async function runLive({ directory, port, signal, onUrl }: LiveSettings): Promise<void> {
  const bus = await openBus<AirportEvent>({ path: directory, signal });
  const towerActor = createActor(tower).start();
  // What fails is to be seen on the dashboard.
  bus.errors$.subscribe();
  bus.on('Departed', () => towerActor.send({ type: 'DEPARTURE' }), { overflow: 'drop-oldest' });
  try {
    const flights = loadFlights();
    await appendBacklog(bus, flights);
    const consumers = startConsumers(bus);
    await consumers.statistics.caughtUp({ signal });
    // Only now: rates and their lines begin with it.
    const site = dashboard(bus, { title: 'Flights', allowActions: true, machines: [towerActor] });
    const { url } = await site.listen({ port, signal });
    onUrl(url);
    await Promise.all([replay(bus, flights, signal), operate(bus, consumers, signal)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    towerActor.stop();
    await bus.close();
  }
}
