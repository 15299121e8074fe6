/**
 * `varvebus graph`: the statechart of one of our own machines, or of a machine that a module exports, as a text or a picture. Needs
 * no store.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { toMermaid } from '../dashboard/chart/mermaid.ts';
import { type ExitCode, exitCodes, type OptionValues, type StorelessCommand, textOption } from './command.ts';
import { UsageError } from './failure.ts';
import { jsonLine } from './json-form.ts';

const formats = ['mermaid', 'svg', 'json'] as const;
type Format = (typeof formats)[number];

type Machine = Parameters<typeof toMermaid>[0];

const ownNames = ['processor', 'bus', 'supervisor'] as const;
type OwnName = (typeof ownNames)[number];

export const graphCommand: StorelessCommand = {
  isStoreless: true,
  options: { format: { type: 'string' }, export: { type: 'string' }, out: { type: 'string' } },
  prepare: (values, operands) => {
    const [what = 'processor', ...others] = operands;
    if (what === '' || others.length > 0) throw new UsageError(`graph takes one machine, got ${operands.length}`);
    const format = formatOf(values);
    const name = textOption(values, 'export');
    const own = ownNames.find((candidate) => candidate === what);
    if (own !== undefined && name !== undefined) throw new UsageError('--export goes with a module');
    const file = textOption(values, 'out');
    if (file === '') throw new UsageError('--out must be a file, got ""');
    return async ({ output }): Promise<ExitCode> => {
      const text = own === undefined ? await textOfModule(what, name, format) : await textOfOwn(own, format);
      if (file === undefined) await output.write(text);
      else await writeFile(file, text);
      return exitCodes.ok;
    };
  },
};

/** `--json` asks for the same as `--format json`. */
function formatOf(values: OptionValues): Format {
  const given = textOption(values, 'format');
  const format = formats.find((candidate) => candidate === given);
  if (given !== undefined && format === undefined) {
    throw new UsageError(`--format must be one of ${formats.join(', ')}, got ${JSON.stringify(given)}`);
  }
  if (values.json !== true) return format ?? 'mermaid';
  if (format !== undefined && format !== 'json')
    throw new UsageError(`--json and --format ${format} exclude each other`);
  return 'json';
}

async function textOfOwn(name: OwnName, format: Format): Promise<string> {
  const { ownChart } = await import('../dashboard/chart/own-charts.ts');
  const chart = await ownChart(name);
  if (format === 'json') return jsonLine(chart);
  if (format === 'svg') return (await import('../dashboard/chart/svg.ts')).svgFile(chart);
  return (await import('../dashboard/chart/mermaid.ts')).mermaidText(chart);
}

async function textOfModule(path: string, name: string | undefined, format: Format): Promise<string> {
  const machine = machineIn(await loaded(path), path, name);
  if (format === 'svg') return await (await import('../dashboard/chart/svg.ts')).toSvg(machine);
  if (format === 'mermaid') return (await import('../dashboard/chart/mermaid.ts')).toMermaid(machine);
  const { machineChart } = await import('../dashboard/chart/machine-chart.ts');
  return jsonLine(await machineChart(machine));
}

async function loaded(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const others = `Use ${ownNames.join(', ')}, or the path of a module`;
    throw new UsageError(`the module ${JSON.stringify(path)} can't be loaded: ${reason}. ${others}`, { cause });
  }
}

/** The export `name`; without a name the only machine. */
function machineIn(exports: Readonly<Record<string, unknown>>, path: string, name: string | undefined): Machine {
  const machines = Object.entries(exports).filter(([, value]) => isMachine(value));
  const found = name === undefined ? machines : machines.filter(([key]) => key === name);
  const [[, machine] = []] = found;
  if (found.length === 1) return machine as Machine;
  const names = machines.map(([key]) => key).join(', ') || 'none';
  const wanted = name === undefined ? 'one state machine of XState 5' : `a state machine of XState 5 as ${name}`;
  const advice = machines.length > 1 && name === undefined ? '. Choose one with --export' : '';
  throw new UsageError(`${JSON.stringify(path)} must export ${wanted}, its machines are: ${names}${advice}`);
}

function isMachine(value: unknown): value is Machine {
  const { root } = (value ?? {}) as { readonly root?: { readonly transitions?: unknown } };
  return root?.transitions instanceof Map;
}
