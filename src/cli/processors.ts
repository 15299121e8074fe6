/**
 * `varvebus processors`: how far each consumer has come, durably, and what it gave up.
 */
import type { ConsumerInfo, ConsumerPlace } from '../log/consumers.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonLine } from './json-form.ts';
import { grouped, printable } from './printable.ts';
import { type Alignment, tableText } from './table.ts';

export const processorsCommand: Command = {
  options: {},
  prepare:
    () =>
    async ({ bus, output, json }) => {
      const consumers = bus.consumers();
      await output.write(json ? jsonLine({ head: bus.head, processors: consumers }) : consumersText(consumers));
      return exitCodes.ok;
    },
};

const columns: readonly (readonly [string, Alignment])[] = [
  ['name', 'left'],
  ['position', 'right'],
  ['lag', 'right'],
  ['generation', 'right'],
  ['updated', 'left'],
  ['dead letters', 'right'],
  ['waiting', 'right'],
  ['discarded', 'right'],
  ['parked', 'right'],
];

function consumersText(consumers: readonly ConsumerInfo[]): string {
  if (consumers.length === 0) return 'no processor has saved a cursor\n';
  const rows = consumers.flatMap((consumer) => {
    const { name, deadLetters, waiting, discarded, parked, partitions = [], building } = consumer;
    const counts = [deadLetters, waiting, discarded, parked].map(grouped);
    const parts = partitions.map((part) => placeCells(`  partition ${part.index} of ${part.of}`, part));
    const next = building === undefined ? [] : [placeCells('  next build', building)];
    return [[...placeCells(printable(name), consumer), ...counts], ...parts, ...next];
  });
  return tableText(columns, rows);
}

function placeCells(name: string, { position, lag, generation, updatedMs }: ConsumerPlace): string[] {
  return [name, grouped(position), grouped(lag), grouped(generation), new Date(updatedMs).toISOString()];
}
