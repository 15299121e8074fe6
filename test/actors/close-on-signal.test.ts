import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { closeOnSignal, openBus } from '#store';
import type { SignalledOptions } from '../durability/programs/signalled.ts';
import { Program } from '../kit/crash-process.ts';
import { tempBus, tempDirectory } from '../kit/temp-store.ts';

function start(options: SignalledOptions): Program {
  return Program.start(new URL('../durability/programs/signalled.ts', import.meta.url), options);
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s closes the bus, saves cursors, and ends the process as it would have',
  async (signal) => {
    const path = join(tempDirectory(), 'store');
    const program = start({ path, listens: false });
    await program.expectLine('ready');

    program.kill(signal);

    await program.expectLine('closed 100');
    expect(await program.ended()).toMatchObject({ code: null, signal, stderr: '' });
    const bus = await openBus({ path });
    onTestFinished(() => bus.close());
    let again = 0;
    const processor = bus.processor({ name: 'busy', handle: () => again++ });
    processor.start();
    await processor.caughtUp();
    expect(again).toBe(0);
  },
);

test('an application that listens to the signal decides on the end itself', async () => {
  const program = start({ path: join(tempDirectory(), 'store'), listens: true });
  await program.expectLine('ready');

  program.kill('SIGTERM');

  expect(await program.ended()).toMatchObject({ code: 5, signal: null });
});

test('the listeners are gone when they were taken off', async () => {
  const bus = await tempBus();
  const before = process.listenerCount('SIGUSR2');

  const remove = closeOnSignal(bus, { signals: ['SIGUSR2'] });
  expect(process.listenerCount('SIGUSR2')).toBe(before + 1);
  remove();

  expect(process.listenerCount('SIGUSR2')).toBe(before);
  expect(() => closeOnSignal(bus, { signals: [] })).toThrow(TypeError);
});
