/**
 * A machine that has nothing to do with the store, beside it in `npm run demo -- --ui`: the tower of an airport in winter. The
 * dashboard draws any machine of yours as it draws its own.
 */
import { setup } from 'xstate';

type TowerEvent = { type: 'DEPARTURE' } | { type: 'EMERGENCY' };

export const tower = setup({
  types: { events: {} as TowerEvent },
  delays: { fairWeather: 11_000, snowfall: 5000, plowing: 2500, deicing: 2000, takeOff: 350 },
}).createMachine({
  id: 'tower',
  type: 'parallel',
  states: {
    weather: {
      initial: 'clear',
      states: {
        clear: { after: { fairWeather: 'snow' } },
        snow: { after: { snowfall: 'thaw' } },
        thaw: { after: { plowing: 'clear' } },
      },
    },
    runway: {
      initial: 'open',
      states: {
        open: {
          initial: 'free',
          states: {
            free: { on: { DEPARTURE: 'taken' } },
            taken: { after: { takeOff: 'free' } },
          },
          on: { EMERGENCY: 'closed' },
          after: { fairWeather: 'closed' },
        },
        closed: {
          initial: 'plowing',
          states: {
            plowing: { after: { plowing: 'deicing' } },
            deicing: { after: { deicing: 'inspected' } },
            inspected: { type: 'final' },
          },
          onDone: 'open',
        },
      },
    },
  },
});
