/** A processor in a machine of the user's own. */
import { expect, test } from 'vitest';
import { createActor, setup } from 'xstate';
import { processorLogicOn } from '#actors/processor-logic';
import { fakeProcessors, settle } from '../kit/processor-store-fake.ts';

test('a processor runs in a machine that invokes it, is found by its systemId, and ends with it', async () => {
  const { store, processors } = fakeProcessors();
  const seen: number[] = [];
  store.appendMany(2);
  const orders = processorLogicOn(processors, { name: 'p', handle: ({ position }) => seen.push(position) });
  const machine = setup({ actors: { orders } }).createMachine({
    initial: 'running',
    states: { running: { invoke: { src: 'orders', id: 'orders', systemId: 'orders', onDone: 'ended' } }, ended: {} },
  });
  const actor = createActor(machine, { clock: store.clock }).start();

  await settle();
  actor.system.get('orders')?.send({ type: 'STOP' });
  await settle();

  expect(seen).toEqual([1, 2]);
  expect(actor.getSnapshot().value).toBe('ended');
  expect(store.cursors.get('p')?.position).toBe(2);
  expect(store.head$.observed).toBe(false);
});

test('a second actor of a name fails and handles nothing, until the first has ended', async () => {
  const { store, processors } = fakeProcessors();
  const seen: string[] = [];
  store.append('a');
  const logicOf = (mark: string) => processorLogicOn(processors, { name: 'p', handle: () => seen.push(mark) });
  const first = createActor(logicOf('first'), { clock: store.clock }).start();
  const second = createActor(logicOf('second'), { clock: store.clock }).start();
  await settle();
  const stateOfSecond = second.getSnapshot();
  expect(() => processors.create({ name: 'p', handle: () => undefined })).toThrow('p');

  first.stop();
  store.append('b');
  second.send({ type: 'RETRY_NOW' });
  await settle();

  expect(stateOfSecond.value).toBe('failed');
  expect(stateOfSecond.context.lastError?.code).toBe('PROCESSOR_NAME_TAKEN');
  expect(seen).toEqual(['first', 'second', 'second']);
  second.stop();
});

test('actors of one logic do not share what they remember', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(3);
  const logic = processorLogicOn(processors, { name: 'p', handle: () => undefined });
  const first = createActor(logic, { clock: store.clock }).start();
  await settle();
  first.send({ type: 'STOP' });
  await settle();
  store.appendMany(2);

  const second = createActor(logic, { clock: store.clock }).start();
  await settle();

  expect(first.getSnapshot().context).toMatchObject({ position: 3, handled: 3 });
  expect(second.getSnapshot().context).toMatchObject({ position: 5, handled: 2 });
  second.stop();
});

test('closing the processors of a bus ends those in other machines too', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const actor = createActor(processorLogicOn(processors, { name: 'p', handle: () => undefined }), {
    clock: store.clock,
  });
  actor.start();
  await settle();

  await processors.close(1000);

  expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: { name: 'p', cursor: 1, handled: 1 } });
});
