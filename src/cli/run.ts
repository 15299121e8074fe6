/**
 * The command line: looks into a store from a shell, also while another process writes it, and draws statecharts.
 *
 * Owns the way from arguments to an exit code, and where a failure is shown. Each command has a file; what writes says so.
 */
import { resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { packageVersion } from '../package-version.ts';
import { type Command, type ExitCode, exitCodes, type OptionValues, type StorelessCommand } from './command.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { describeFailure, UsageError } from './failure.ts';
import { graphCommand } from './graph.ts';
import { generalHelp, helpByCommand } from './help.ts';
import { infoCommand } from './info.ts';
import { givenMasterKey, masterKeyOptions } from './master-key.ts';
import { openStore } from './open-store.ts';
import { Output, type OutputStream } from './output.ts';
import { processorsCommand } from './processors.ts';
import { readCommand } from './read.ts';
import { tailCommand } from './tail.ts';
import { timersCommand } from './timers.ts';
import { uiCommand } from './ui.ts';
import { verifyCommand } from './verify.ts';

/** Where the command line prints, and what it is told beside its arguments. */
export interface Surroundings {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** A master key is taken out of it. */
  readonly env: NodeJS.ProcessEnv;
}

/** Runs one command line to its end. Never throws: what goes wrong is on stderr. */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr } = surroundings;
  // Progress and messages are best effort: a closed stderr must not end the work.
  stderr.on('error', () => undefined);
  const output = new Output(stdout);
  try {
    const name = args.find((arg) => !arg.startsWith('-'));
    return name === undefined ? await answer(args, output) : await runCommand(name, args, output, surroundings);
  } catch (error) {
    stderr.write(describeFailure(error, args));
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

const commandByName: ReadonlyMap<string, Command | StorelessCommand> = new Map<string, Command | StorelessCommand>([
  ['info', infoCommand],
  ['read', readCommand],
  ['tail', tailCommand],
  ['timers', timersCommand],
  ['verify', verifyCommand],
  ['processors', processorsCommand],
  ['dead-letters', deadLettersCommand],
  ['ui', uiCommand],
  ['graph', graphCommand],
]);
const commandNames = [...commandByName.keys()].join(', ');
const commonOptions = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;

async function runCommand(
  name: string,
  args: readonly string[],
  output: Output,
  { stderr: messages, env }: Surroundings,
): Promise<ExitCode> {
  const command = commandByName.get(name);
  if (command === undefined) throw new UsageError(`there is no command ${JSON.stringify(name)}: use ${commandNames}`);
  const argsOfCommand = args.toSpliced(args.indexOf(name), 1);
  const keyOptions = 'isStoreless' in command ? {} : masterKeyOptions;
  const { values, positionals } = parse(argsOfCommand, { ...commonOptions, ...keyOptions, ...command.options });
  if (values.help === true) return await print(helpByCommand.get(name) ?? generalHelp, output);
  const json = values.json === true;
  if ('isStoreless' in command) return await command.prepare(values, positionals)({ output, messages, json });
  const [directory, ...operands] = positionals;
  const { operands: expected = [] } = command;
  if (!directory || operands.length !== expected.length) {
    const what = ['one directory', ...expected.map((operand) => `one ${operand}`)].join(' and ');
    throw new UsageError(`${name} takes ${what}, got ${positionals.length}`);
  }
  const execute = command.prepare(values, operands);
  const masterKey = givenMasterKey(values, env, json ? undefined : messages);
  // Resolved, so that no directory is taken for ':memory:'.
  const bus = await openStore(resolve(directory), masterKey, command.isWriting?.(values) ?? false).finally(() =>
    masterKey?.fill(0),
  );
  try {
    return await execute({ bus, output, messages, json });
  } finally {
    await bus.close();
  }
}

/** Without a command there is only help and the version. */
async function answer(args: readonly string[], output: Output): Promise<ExitCode> {
  const { values } = parse(args, { ...commonOptions, version: { type: 'boolean' } });
  if (values.version === true) return await print(`${packageVersion()}\n`, output);
  if (values.help === true) return await print(generalHelp, output);
  throw new UsageError(`a command is missing: use ${commandNames}`);
}

async function print(text: string, output: Output): Promise<ExitCode> {
  await output.write(text);
  return exitCodes.ok;
}

function parse(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): { values: OptionValues; positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // The first sentence says what is wrong; the rest is advice that does not fit here.
    if (error instanceof TypeError) throw new UsageError(error.message.split(/\.\s|\n/)[0], { cause: error });
    throw error;
  }
}
