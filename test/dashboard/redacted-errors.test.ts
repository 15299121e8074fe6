/** What a handler throws may quote an event: where the app hides events, none of it leaves the server. */
import { expect, onTestFinished, test } from 'vitest';
import { type AnyActorRef, createActor, createMachine, fromPromise } from 'xstate';
import type { DashboardError, DashboardOptions } from '#dashboard';
import { Redaction } from '#kernel/dashboard/redaction';
import { refusalOf } from '#kernel/dashboard/refusal';
import type { LetterDetail, LettersPage, MachineImage, ProcessorRow, ProcessorTopic } from '#kernel/dashboard/wire';
import { type AnyEvent, type Bus, BusError } from '#store';
import { openSite, type Site } from '../kit/dashboard-site.ts';
import { tempBus, tempStore } from '../kit/temp-store.ts';

const marker = 'm4rk3r';

function telling(): never {
  const error = Object.assign(new TypeError(`no address ${marker}`, { cause: marker }), { code: `no ${marker}` });
  error.stack = `TypeError: no address ${marker}\n    at ${marker} (file:///app.ts:1:1)`;
  throw error;
}

/** Errors of all kinds: letters, a failure, one in partitions, a projection that fails. */
async function failingBus(opened: Promise<Bus<AnyEvent>> = tempBus()): Promise<Bus<AnyEvent>> {
  const bus = await opened;
  bus.errors$.subscribe();
  for (const stream of ['a', 'b', 'c', 'd']) await bus.append(stream, { type: 'told', data: { to: marker } });
  const retry = { attempts: 0 };
  const mailer = bus.processor({ name: 'mailer', handle: telling, retry, onFailure: 'dead-letter' });
  const others = [
    bus.processor({ name: 'failing', handle: telling, retry }),
    bus.processor({ name: 'parts', partitions: 2, handle: telling, retry }),
    bus.projection({ name: 'view', version: 1, on: { told: telling }, retry }),
  ];
  for (const processor of [mailer, ...others]) processor.start();
  await mailer.caughtUp();
  for (const processor of others) await processor.waitFor('failed');
  return bus;
}

function failingMachines(): AnyActorRef[] {
  const broken = createMachine({
    id: 'broken',
    invoke: { src: fromPromise(() => Promise.reject(new Error(`it saw ${marker}`))) },
  });
  const actor = createActor(broken);
  actor.subscribe({ error: () => undefined });
  actor.start();
  onTestFinished(() => void actor.stop());
  const hostile = { id: 'hostile', getSnapshot: telling, subscribe: () => undefined };
  return [actor, hostile as unknown as AnyActorRef];
}

const names = ['mailer', 'failing', 'parts', 'view'];
const actions = ['retry', 'pause', 'resume', 'skip', 'reset', 'rebuild', 'stop', 'start'];

/** All that the server says of `names`, whatever it is asked. */
async function allThatIsSent(site: Site): Promise<string> {
  const topics = [
    'store',
    'processors',
    'projections',
    'actors',
    'machines',
    'tail',
    'machine:broken',
    'machine:hostile',
  ];
  const live = await site.follow(...topics, ...names.map((name) => `processor:${name}`));
  const failed = () => Object.values(live.topic<Record<string, ProcessorRow>>('processors'));
  await live.until(() => failed().filter(({ lastError }) => lastError !== undefined).length >= 3);
  await live.until(() => live.topic<{ image?: MachineImage }>('machine:broken').image?.error !== undefined);
  const answers: string[] = [];
  const say = async (answer: Promise<{ readonly status: number; readonly text: string }>) => {
    const { status, text } = await answer;
    answers.push(`${status} ${text}`);
  };
  const paths = ['/', '/api/streams', '/api/events', '/api/events?stream=a', '/api/events/1', '/api/events/1/links'];
  for (const path of [...paths, '/api/charts/processor', '/api/none', '/none']) await say(site.ask(path));
  for (const name of names) {
    const at = `/api/processors/${name}`;
    await say(site.ask(`${at}/letters`));
    for (const position of [1, 2, 3, 4]) await say(site.ask(`${at}/letters/${position}`));
    await say(site.ask(`/api/projections/${name}`));
    for (const action of actions) {
      await say(site.ask(`${at}/preview?action=${action}&to=0`));
      await say(site.order(`${at}/${action}`, { to: 0 }));
    }
    await say(site.order(`${at}/letters/retry`, { positions: [1, 2] }));
    await say(site.order(`${at}/letters/discard`, { positions: [1] }));
  }
  await live.until(() => failed().find(({ name }) => name === 'view')?.state === 'failed');
  return [...answers, ...live.frames.map((frame) => JSON.stringify(frame))].join('\n');
}

test('where events are redacted, nothing of what a handler has thrown is in any byte that is sent', async () => {
  const bus = await failingBus();
  const site = await openSite(bus, { redact: () => undefined, allowActions: true, machines: failingMachines() });

  const sent = await allThatIsSent(site);

  expect(sent).toContain('"name":"TypeError"');
  expect(sent).toContain('see the option redactError');
  expect(sent.split('\n').filter((line) => line.includes(marker))).toEqual([]);
});

test('the walk that finds no error where they are hidden finds them everywhere else', async () => {
  const bus = await failingBus();
  const site = await openSite(bus, { allowActions: true, machines: failingMachines() });

  const sent = await allThatIsSent(site);

  const lines = sent.split('\n').filter((line) => line.includes(marker));
  for (const of of ['"lastError"', '"failures"', '"partitions"', '"letters"', '"stack"', 'it saw', 'hostile']) {
    expect([of, lines.some((line) => line.includes(of))]).toEqual([of, true]);
  }
});

test('beside the process that writes nothing of what its handlers have thrown is sent either', async () => {
  const store = tempStore('lmdb');
  await failingBus(store.openBus());
  const reader = await store.openBus({ readOnly: true });
  const sentWith = async (options: DashboardOptions) =>
    allThatIsSent(await openSite(reader, { ...options, machines: failingMachines() }));

  expect(await sentWith({})).toContain(marker);
  const sent = await sentWith({ redact: () => undefined });
  expect(sent).toContain('"name":"TypeError"');
  expect(sent.split('\n').filter((line) => line.includes(marker))).toEqual([]);
});

test('what redactError returns is shown, everywhere, and it is asked once for each error', async () => {
  const bus = await failingBus();
  const asked: DashboardError[] = [];
  const site = await openSite(bus, {
    machines: failingMachines(),
    redactError: (error) => {
      asked.push(error);
      return { name: 'Shown', code: 'E', message: `of ${error.processor ?? 'a machine'}`, stack: 'where' };
    },
  });
  const live = await site.follow('processors', 'processor:failing', 'processor:parts', 'machine:broken');
  const image = () => live.topic<{ image?: MachineImage }>('machine:broken').image;
  await live.until(() => image()?.error !== undefined);
  const { letters } = await site.get<LettersPage>('/api/processors/mailer/letters');
  const { failures, row, image: whole } = live.topic<ProcessorTopic>('processor:failing');

  expect(image()?.error).toBe('Shown: of a machine');
  expect(letters[0]?.error).toEqual({ name: 'Shown', code: 'E', message: 'of mailer' });
  expect(await site.get<LetterDetail>('/api/processors/mailer/letters/1')).toMatchObject({ stack: 'where' });
  expect(failures[0]).toMatchObject({ name: 'Shown', message: 'of failing', stack: 'where', phase: 'work' });
  for (const error of [row.lastError, whole.status.context.lastError]) expect(error?.message).toBe('of failing');
  const parts = live.topic<ProcessorTopic>('processor:parts').image.status.partitions ?? [];
  expect(parts.map(({ context }) => context.lastError?.message)).toEqual(['of parts', 'of parts']);
  expect(asked[0]).toMatchObject({ message: `no address ${marker}`, code: `no ${marker}` });
  const count = asked.length;
  for (const name of ['a', 'b', 'c']) {
    await bus.append(name, { type: 'more' });
    const { head } = bus;
    const row = () => live.topic<Record<string, ProcessorRow>>('processors').failing;
    await live.until(() => row()?.lag === head);
  }
  expect(asked.slice(count).filter(({ processor }) => processor === 'failing' || processor === 'parts')).toEqual([]);
});

type RedactError = NonNullable<DashboardOptions['redactError']>;
const hiding: readonly [string, RedactError][] = [
  ['says undefined', () => undefined],
  ['throws', telling],
  ['returns a promise', (async (error: object) => error) as unknown as RedactError],
  ['returns what are no texts', (error) => ({ ...error, message: [error.message] as unknown as string })],
  ['returns none', (() => ({})) as unknown as RedactError],
];

test.each(hiding)('a redactError that %s hides message and stack, and what is no name or code', (how, redactError) => {
  const reported: unknown[] = [];
  const hides = new Redaction({ redact: undefined, redactEntry: undefined, redactError }, (error) =>
    reported.push(error),
  );
  const error = { name: `${marker} error`, code: `no ${marker}`, message: marker, stack: marker };
  const named = { name: 'RangeError', code: 'E_NO', message: marker };

  expect(hides.ofError(error)).toEqual({ name: 'Error', message: 'hidden: see the option redactError' });
  expect(hides.ofError(named, 'p')).toMatchObject({ name: 'RangeError', code: 'E_NO' });
  hides.ofError(error);
  expect(reported).toHaveLength(how === 'says undefined' ? 0 : 2);
});

test('without redact and redactError an error is shown, cut where it is long', () => {
  const options = { redact: undefined, redactEntry: undefined, redactError: undefined };
  const shown = new Redaction(options, () => {}).ofError({ name: 'E', message: 'x'.repeat(10_000), stack: 'at y' });

  expect(shown).toMatchObject({ name: 'E', stack: 'at y' });
  expect(shown.message.length).toBeLessThan(10_000);
});

test('a refusal quotes no handler where errors are hidden, and says its own words in any case', () => {
  const hides = new Redaction({ redact: () => undefined, redactEntry: undefined, redactError: undefined }, () => {});
  const failed = new BusError('PROCESSOR_FAILED', `it gave up: ${marker}`, {
    processor: 'p',
    position: 1,
    attempts: 1,
  });
  const closed = new BusError('STORE_CLOSED', 'the store is closed', undefined as never);

  expect(refusalOf(failed, hides)).toMatchObject({ status: 409, code: 'PROCESSOR_FAILED' });
  expect(refusalOf(failed, hides).message).not.toContain(marker);
  expect(refusalOf(closed, hides).message).toBe('the store is closed');
});

test('an error that only looks like one of ours is refused, too, whatever its code is', () => {
  const hides = new Redaction({ redact: () => undefined, redactEntry: undefined, redactError: undefined }, () => {});
  for (const code of ['constructor', '__proto__', 'toString', '']) {
    const { status, message } = refusalOf(Object.assign(new Error(marker), { name: 'BusError', code }), hides);
    expect([code, status, message]).toEqual([code, 500, 'hidden: see the option redactError']);
  }
});
