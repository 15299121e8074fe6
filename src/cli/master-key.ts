/**
 * The master key of a command: from `VARVEBUS_MASTER_KEY` or the file of `--key-file`. Never from the command line itself,
 * which other users of the machine can read; and no message says anything of what is in a key.
 */
import { readFileSync, statSync } from 'node:fs';
import { type OptionValues, textOption } from './command.ts';
import { UsageError } from './failure.ts';
import type { OutputStream } from './output.ts';
import { printable } from './printable.ts';

/** Of every command that opens a store. */
export const masterKeyOptions = { 'key-file': { type: 'string' } } as const;

/** The variable of the environment. */
export const masterKeyVariable = 'VARVEBUS_MASTER_KEY';

const keyBytes = 32;
/** More than any of its forms has: nothing larger is read as a key. */
const keyFileBytesMax = 4096;
/** The rights of a file that its owner does not have alone. */
const othersMode = 0o077;

/**
 * The key that was given, if any: that of `--key-file` before that of the environment. Takes it out of `env`, so that no thread
 * and no child process inherits it. Warns on `messages`, if there are any, of a file that others may read.
 * @throws {UsageError}
 */
export function givenMasterKey(
  values: OptionValues,
  env: NodeJS.ProcessEnv,
  messages: OutputStream | undefined,
): Uint8Array | undefined {
  const text = env[masterKeyVariable];
  delete env[masterKeyVariable];
  const file = textOption(values, 'key-file');
  if (file !== undefined) return keyInFile(file, messages);
  if (text === undefined || text === '') return undefined;
  const key = keyOfText(text);
  if (key === undefined) throw new UsageError(`${masterKeyVariable} must be ${textForms}`);
  return key;
}

const textForms = `${2 * keyBytes} hexadecimal digits, or base64 of ${keyBytes} bytes`;

function keyInFile(file: string, messages: OutputStream | undefined): Uint8Array {
  const bytes = readKeyFile(file);
  const key = bytes.length === keyBytes ? bytes : keyOfText(bytes.toString('latin1'));
  if (key === undefined) throw new UsageError(`--key-file ${file} must hold ${textForms}, or ${keyBytes} bytes`);
  const mode = statSync(file).mode & 0o777;
  if (process.platform !== 'win32' && (mode & othersMode) !== 0) {
    const how = `its mode is ${mode.toString(8)}, 600 is enough`;
    messages?.write(`varvebus: other users may have access to the key file ${printable(file)}: ${how}\n`);
  }
  return key;
}

function readKeyFile(file: string): Buffer {
  try {
    if (statSync(file).size <= keyFileBytesMax) return readFileSync(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new UsageError(`--key-file ${file} can't be read: ${code}`, { cause });
  }
  throw new UsageError(`--key-file ${file} is too large to be a key`);
}

function keyOfText(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  // 32 bytes are 43 digits of base64, with or without the padding, in either alphabet.
  return /^[\w+/-]{43}=?$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : undefined;
}
