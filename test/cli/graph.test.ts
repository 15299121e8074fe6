/** The chart of a machine on the command line, without a store. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type { Chart } from '#kernel/dashboard/wire';
import { tempDirectory } from '../kit/temp-store.ts';
import { runCli, runCliWithout } from './child-program.ts';

const xstatePath = createRequire(import.meta.url).resolve('xstate');
const machines = {
  one: "export const order = createMachine({ id: 'order', initial: 'cart', states: { cart: { on: { BUY: 'sent' } }, sent: {} } });",
  two: "export const a = createMachine({ id: 'a', on: { X: { actions: () => {} } } }); export const b = createMachine({ id: 'b' });",
  none: 'export const order = { states: {} };',
  broken: "throw new Error('no such luck');",
};

/** A directory with a module for each of them. */
function directoryOfMachines(): string {
  const directory = tempDirectory();
  const xstate = pathToFileURL(xstatePath).href;
  for (const [name, text] of Object.entries(machines)) {
    writeFileSync(join(directory, `${name}.mjs`), `import { createMachine } from '${xstate}';\n${text}\n`);
  }
  return directory;
}

test.each([
  ['processor', 'retrying'],
  ['bus', 'draining'],
  ['supervisor', 'backing-off'],
])("the %s's chart is printed as Mermaid", async (name, state) => {
  const { code, stdout, stderr } = await runCli('graph', name);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^stateDiagram-v2\n/);
  expect(stdout).toContain(`state "${state}" as`);
});

test('without a machine it is the processor, and --json has states, edges and their places', async () => {
  const { code, stdout } = await runCli('graph', '--json');

  expect(code).toBe(0);
  const { id, nodes, edges } = JSON.parse(stdout) as Chart;
  expect(id).toBe('processor');
  expect(nodes.find((node) => node.id === 'live')).toMatchObject({ kind: 'compound', x: expect.any(Number) });
  expect(edges).toContainEqual(expect.objectContaining({ from: 'live', to: 'retrying' }));
});

test('the machine of a module is drawn too, into a file if wanted', async () => {
  const directory = directoryOfMachines();
  const out = join(directory, 'order.svg');

  const text = await runCli('graph', join(directory, 'one.mjs'));
  const picture = await runCli('graph', join(directory, 'one.mjs'), '--format', 'svg', '--out', out);

  expect(text.stdout).toContain('s1 --> s2 : BUY');
  expect(picture).toMatchObject({ code: 0, stdout: '' });
  expect(readFileSync(out, 'utf8')).toMatch(/^<svg [^>]*>.*>cart<.*<\/svg>\n$/s);
});

test('of several machines one is chosen by its name', async () => {
  const directory = directoryOfMachines();

  const both = await runCli('graph', join(directory, 'two.mjs'));
  const one = await runCli('graph', join(directory, 'two.mjs'), '--export', 'a');

  expect(both.code).toBe(2);
  expect(both.stderr).toContain('its machines are: a, b. Choose one with --export');
  expect(one.stdout).toContain('s1 --> s1 : X');
});

test.each([
  ['a module that does not exist', ['none-such.mjs'], 'none-such.mjs" can\'t be loaded: '],
  ['a module that throws', ['broken.mjs'], 'no such luck'],
  ['a module without a machine', ['none.mjs'], 'must export one state machine of XState 5'],
  ['an export that is none', ['one.mjs', '--export', 'x'], 'its machines are: order'],
  ['an export of our own machines', ['bus', '--export', 'x'], '--export goes with a module'],
  ['two machines', ['bus', 'processor'], 'graph takes one machine, got 2'],
  ['an unknown format', ['--format', 'png'], '--format must be one of mermaid, svg, json, got "png"'],
  ['two formats', ['--format', 'svg', '--json'], '--json and --format svg exclude each other'],
  ['a master key', ['bus', '--key-file', 'k'], "Unknown option '--key-file'"],
])('%s is refused with exit code 2', async (_, args, message) => {
  const directory = directoryOfMachines();

  const inDirectory = args.map((arg) => (arg.endsWith('.mjs') ? join(directory, arg) : arg));
  const { code, stdout, stderr } = await runCli('graph', ...inDirectory);

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

test('a file that can not be written gives exit code 3', async () => {
  const { code, stderr } = await runCli('graph', '--out', join(tempDirectory(), 'no', 'such', 'file'));

  expect(code).toBe(3);
  expect(stderr).toContain('ENOENT');
});

test('without elkjs the places of a machine are not to be had, those of ours are', async () => {
  const module = join(directoryOfMachines(), 'one.mjs');

  const picture = await runCliWithout('elkjs', 'graph', module, '--format', 'svg');
  const ours = await runCliWithout('elkjs', 'graph', 'bus', '--format', 'svg');

  expect(picture).toMatchObject({ code: 3, stdout: '' });
  expect(picture.stderr).toContain('UNSUPPORTED: the layout of charts needs the package elkjs: npm install elkjs');
  expect(ours).toMatchObject({ code: 0, stderr: '' });
});
