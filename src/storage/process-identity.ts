/**
 * Which process this is, told so that another one can find out whether it still runs: a pid alone is used again.
 */
import { readFileSync } from 'node:fs';
import { isSystemError } from './system-errors.ts';
import { describeWriter } from './writer-lock.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** 16 bytes: the kernel's id of this boot; zeros where it is not known. */
  readonly boot: Buffer;
  /** The number of the pid namespace; 0 where it is not known. */
  readonly namespace: number;
  /** Clock ticks from the boot to its start; 0 where they are not known. */
  readonly startTicks: number;
}

export function ownIdentity(): ProcessIdentity {
  const { pid, bootId = '', pidNamespace = '' } = describeWriter();
  const boot = Buffer.alloc(16);
  boot.write(bootId.replaceAll('-', ''), 'hex');
  const namespace = Number(/\d+/.exec(pidNamespace)?.[0] ?? 0);
  return { pid, boot, namespace, startTicks: statOf(pid)?.startTicks ?? 0 };
}

/** `undefined`: it can't be seen from `self`, which is in another pid namespace. */
export function isRunning(process: ProcessIdentity, self: ProcessIdentity): boolean | undefined {
  if (!process.boot.equals(self.boot)) return false;
  if (process.namespace !== self.namespace) return undefined;
  const stat = statOf(process.pid);
  if (stat === undefined) return exists(process.pid);
  return stat.isAlive && stat.startTicks === process.startTicks;
}

/** What the kernel says of a process; `undefined` where it says nothing, of this process or of any (proc_pid_stat(5)). */
function statOf(pid: number): { readonly isAlive: boolean; readonly startTicks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, a name in parentheses, may hold anything.
    const [state = '', ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { isAlive: !'ZXx'.includes(state), startTicks: Number(fields[18]) };
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** Also where what the kernel says is hidden from this user. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (isSystemError(error)) return error.code === 'EPERM';
    throw error;
  }
}
