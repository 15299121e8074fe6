/** The dashboard's options know the events of the bus. */
import { type Dashboard, dashboard } from '#dashboard';
import type { Bus } from '#store';

type ShopEvent = { type: 'Sold'; data: { address: string } } | { type: 'Shipped' };
declare const bus: Bus<ShopEvent>;

const board: Dashboard = dashboard(bus, {
  redact: (event) => (event.type === 'Sold' ? { ...event, data: { address: event.data.address.slice(0, 1) } } : event),
  allowActions: ['pause', 'retry-letters'],
  auth: async (request) => (request.headers.authorization === undefined ? false : 'read'),
});
export const url: Promise<string> = board.listen({ port: 0 }).then((listening) => listening.url);

// @ts-expect-error there is no such action
dashboard(bus, { allowActions: ['explode'] });
dashboard(bus, { redactError: (error) => ({ ...error, message: error.processor ?? '', stack: undefined }) });
// @ts-expect-error an error that is shown has a name
dashboard(bus, { redactError: () => ({ message: '' }) });
// @ts-expect-error a redact answers at once
dashboard(bus, { redact: async (event) => event });
// @ts-expect-error an auth says true, false or 'read'
dashboard(bus, { auth: () => 'write' });
