/**
 * A process with an engine, driven by lines of JSON: one command in, one answer out. See engine-process.ts.
 *
 * What it imports is loaded before the first command, so that it can drop its rights and still open a store.
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { type Engine, tableNames } from '#kernel/storage/engine';
import { type LmdbEngineOptions, openLmdbEngine } from '#kernel/storage/lmdb-engine';

export type ChildCommand =
  | { readonly do: 'open'; readonly options: Partial<LmdbEngineOptions> & { directory: string }; killAt?: string }
  /** One block of `bytes` bytes at each position, `times` commits. */
  | { readonly do: 'commit'; readonly from: number; readonly bytes: number; readonly times?: number }
  | { readonly do: 'last' }
  | { readonly do: 'digest' }
  | { readonly do: 'transaction-id' }
  | { readonly do: 'close' }
  | { readonly do: 'chdir'; readonly directory: string }
  | { readonly do: 'be-nobody'; readonly directory: string }
  | { readonly do: 'umask'; readonly mask: number }
  | { readonly do: 'exit' };

export type ChildAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string | undefined; readonly message: string; readonly detail: unknown };

/** A user without rights: `nobody` on every Linux. */
const nobody = 65534;

let engine: Engine | undefined;

async function run(command: ChildCommand): Promise<unknown> {
  switch (command.do) {
    case 'open':
      engine = await openLmdbEngine({
        readOnly: false,
        durability: 'sync',
        lockWaitMs: 0,
        force: [],
        initialRows: [{ table: 'meta', key: Buffer.from('first'), value: Buffer.from('row') }],
        onCreationStep: (step) => {
          if (step === command.killAt) process.kill(process.pid, 'SIGKILL');
        },
        ...command.options,
      });
      return engine.capabilities;
    case 'commit': {
      const times = command.times ?? 1;
      for (let at = 0; at < times; at += 1)
        opened().commit({
          blocks: [
            { firstPosition: command.from + at, bytes: Buffer.alloc(command.bytes, 1 + ((command.from + at) % 255)) },
          ],
          rows: [],
        });
      return command.from + times - 1;
    }
    case 'last':
      return last(opened());
    case 'digest':
      return digest(opened());
    case 'transaction-id':
      return opened().transactionId();
    case 'close':
      opened().close();
      return undefined;
    case 'chdir':
      process.chdir(command.directory);
      return process.getuid?.();
    case 'be-nobody':
      process.chdir(command.directory);
      process.setgroups?.([]);
      process.setgid?.(nobody);
      process.setuid?.(nobody);
      return process.getuid?.();
    case 'umask':
      return process.umask(command.mask);
    case 'exit':
      return process.exit(0);
  }
}

function opened(): Engine {
  if (engine === undefined) throw new Error('no engine was opened');
  return engine;
}

function last(from: Engine): number {
  return from.read((snapshot) => {
    let position = 0;
    snapshot.walkBackward(Number.MAX_SAFE_INTEGER, (first) => {
      position = first;
      return false;
    });
    return position;
  });
}

/** Every block and every row, both ways and by key, as one hash. */
function digest(from: Engine): { readonly blocks: number; readonly rows: number; readonly hash: string } {
  const hash = createHash('sha256');
  let blocks = 0;
  let rows = 0;
  from.read((snapshot) => {
    const positions: number[] = [];
    snapshot.walkForward(0, (position, bytes) => {
      blocks += 1;
      positions.push(position);
      hash.update(`${position}:`).update(bytes);
      return true;
    });
    snapshot.walkBackward(Number.MAX_SAFE_INTEGER, (position, bytes) => {
      hash.update(`${position}:${bytes.length}`);
      return true;
    });
    for (const position of positions) hash.update(snapshot.block(position) ?? 'missing');
    for (const table of tableNames) {
      const keys: Uint8Array[] = [];
      snapshot.walkRows(table, {}, (key, value) => {
        rows += 1;
        keys.push(key.slice());
        hash.update(table).update(key).update(value);
        return true;
      });
      snapshot.walkRows(table, { reverse: true }, (key) => {
        hash.update(key);
        return true;
      });
      for (const key of keys) hash.update(snapshot.row(table, key) ?? 'missing');
    }
  });
  return { blocks, rows, hash: hash.digest('hex') };
}

// Node ends a process that hits its file size limit unless someone listens.
process.on('SIGXFSZ', () => {});

for await (const line of createInterface({ input: process.stdin })) {
  let answer: ChildAnswer;
  try {
    answer = { ok: true, value: await run(JSON.parse(line) as ChildCommand) };
  } catch (error) {
    const { code, message, detail } = error as { code?: string; message: string; detail?: unknown };
    answer = { ok: false, code, message, detail };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
