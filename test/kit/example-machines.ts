/**
 * Machines of every kind that a user may have, with what their charts must say: `from -> to: event`, by hand.
 *
 * A guard called `ok` holds when its event says so, so that a walk through the machine finds both ways.
 */
import { type AnyStateMachine, createMachine, fromPromise, setup } from 'xstate';

export interface ExampleMachine {
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly edges: readonly string[];
}

const machines = setup({
  actors: { charge: fromPromise(() => Promise.resolve()) },
  guards: { ok: ({ event }) => (event as { readonly ok?: boolean }).ok === true },
  delays: { patience: 1000 },
  actions: { note: () => undefined },
});

export const exampleMachines: readonly ExampleMachine[] = [
  {
    name: 'events, guards, and a state that leads back to itself',
    machine: machines.createMachine({
      id: 'door',
      initial: 'shut',
      states: {
        shut: { on: { OPEN: [{ guard: 'ok', target: 'open' }, { target: 'stuck' }], KNOCK: { actions: 'note' } } },
        open: { on: { SHUT: 'shut', PUSH: { target: 'open', reenter: true }, OPEN: {} } },
        stuck: { on: { KICK: 'shut' } },
      },
    }),
    edges: [
      'open -> open: PUSH',
      'open -> shut: SHUT',
      'shut -> open: OPEN',
      'shut -> shut: KNOCK',
      'shut -> stuck: OPEN',
      'stuck -> shut: KICK',
    ],
  },
  {
    name: 'boxes, transitions of boxes, and the ends of what is inside',
    machine: machines.createMachine({
      id: 'order',
      initial: 'cart',
      states: {
        cart: { on: { BUY: 'paying' } },
        paying: {
          initial: 'asking',
          states: {
            asking: { on: { CARD: 'checking' } },
            checking: { on: { OK: 'paid', BACK: 'asking' } },
            paid: { type: 'final' },
          },
          on: { CANCEL: 'cart', AGAIN: '.asking' },
          onDone: 'sent',
        },
        sent: { type: 'final' },
      },
    }),
    edges: [
      'cart -> paying: BUY',
      'paying -> cart: CANCEL',
      'paying -> paying.asking: AGAIN',
      'paying -> sent: xstate.done.state.order.paying',
      'paying.asking -> paying.checking: CARD',
      'paying.checking -> paying.asking: BACK',
      'paying.checking -> paying.paid: OK',
    ],
  },
  {
    name: 'parallel states',
    machine: machines.createMachine({
      id: 'player',
      type: 'parallel',
      states: {
        sound: { initial: 'on', states: { on: { on: { MUTE: 'off', RESET: 'on' } }, off: { on: { MUTE: 'on' } } } },
        tape: { initial: 'still', states: { still: { on: { PLAY: 'moving' } }, moving: { on: { RESET: 'still' } } } },
      },
    }),
    edges: [
      'sound.off -> sound.on: MUTE',
      'sound.on -> sound.off: MUTE',
      'sound.on -> sound.on: RESET',
      'tape.moving -> tape.still: RESET',
      'tape.still -> tape.moving: PLAY',
    ],
  },
  {
    name: 'actors that end or fail, and delays',
    machine: machines.createMachine({
      id: 'pay',
      initial: 'charging',
      states: {
        charging: {
          invoke: { id: 'charge', src: 'charge', onDone: 'paid', onError: 'waiting' },
          after: { patience: 'late' },
        },
        waiting: { after: { 500: 'charging' } },
        paid: { type: 'final' },
        late: {},
      },
    }),
    edges: [
      'charging -> late: xstate.after.patience.pay.charging',
      'charging -> paid: xstate.done.actor.charge',
      'charging -> waiting: xstate.error.actor.charge',
      'waiting -> charging: xstate.after.500.pay.waiting',
    ],
  },
  {
    name: 'chains of choices, also at the beginning of boxes',
    machine: machines.createMachine({
      id: 'sort',
      initial: 'first',
      states: {
        first: { always: [{ guard: 'ok', target: 'big' }, { target: 'second' }, { target: 'never' }] },
        second: { always: 'small' },
        small: { on: { GROW: 'box' } },
        big: { on: { SHRINK: 'first' } },
        box: {
          initial: 'choosing',
          states: {
            choosing: { always: [{ guard: 'ok', target: 'inside' }, { target: '#sort.big' }] },
            inside: { on: { LEAVE: '#sort.small' } },
          },
        },
        never: {},
      },
    }),
    edges: [
      'big -> big: SHRINK',
      'big -> small: SHRINK',
      'box.inside -> small: LEAVE',
      'small -> big: GROW',
      'small -> box: GROW',
    ],
  },
  {
    name: 'any other event, and transitions of the machine itself',
    machine: machines.createMachine({
      id: 'light',
      initial: 'dark',
      on: { RESET: '.dark', LOG: { actions: 'note' } },
      states: { dark: { on: { '*': 'bright' } }, bright: { on: { DIM: 'dark' } } },
    }),
    edges: ['(light) -> (light): LOG', '(light) -> dark: RESET', 'bright -> dark: DIM', 'dark -> bright: *'],
  },
  {
    name: 'history',
    machine: machines.createMachine({
      id: 'work',
      initial: 'day',
      states: {
        day: {
          initial: 'desk',
          states: {
            desk: { on: { WALK: 'street' } },
            street: { on: { SIT: 'desk' } },
            last: { type: 'history', target: 'street' },
          },
          on: { SLEEP: 'night' },
        },
        night: { on: { WAKE: 'day.last' } },
      },
    }),
    edges: [
      'day -> night: SLEEP',
      'day.desk -> day.street: WALK',
      'day.last -> day.street: ',
      'day.street -> day.desk: SIT',
      'night -> day.last: WAKE',
    ],
  },
  {
    name: 'a machine without states',
    machine: createMachine({ id: 'counter', on: { COUNT: { actions: () => undefined } } }),
    edges: ['(counter) -> (counter): COUNT'],
  },
];
