/**
 * Names that were erased, told from a keys file: what is in it of each, and which of them the log does not know of yet.
 */
import { BusError } from '../errors.ts';
import { type EntryDomain, entryDomains, entryKinds, noTag } from './key-entry.ts';
import type { Erasable, KeyOwner } from './key-owner.ts';
import type { ErasedKeys } from './key-ports.ts';
import { type KeyTable, nameKey } from './key-table.ts';
import type { StoreSecrets } from './secrets.ts';
import { ownerTag } from './unwrapped-keys.ts';

const kinds = { 1: 'stream', 2: 'subject', 3: 'projection' } as const satisfies Record<EntryDomain, string>;

/** What a name is called in the file. */
export interface NameTag {
  readonly domain: EntryDomain;
  readonly tag: Buffer;
}

export function tagOfErasable(secrets: StoreSecrets, what: Erasable): NameTag {
  if ('stream' in what) return { domain: entryDomains.stream, tag: secrets.tag('stream', [what.stream]) };
  if ('subject' in what) return { domain: entryDomains.subject, tag: secrets.tag('subject', [what.subject]) };
  const tag = ownerTag(secrets, { kind: 'projection', name: what.projection, build: what.build });
  return { domain: entryDomains.projection, tag };
}

/**
 * The erasures of the names whose entries are at `starts`, in that order, each with the keys that went after this generation,
 * or all that ever did. Looks at every key once.
 */
export function erasuresAt(
  table: KeyTable,
  secrets: StoreSecrets,
  starts: readonly number[],
  generation: number | undefined,
): ErasedKeys[] {
  const wanted = new Map(starts.map((start) => [nameAt(table, start), new GoneKeys()]));
  for (let id = 1; id <= table.lastKeyId; id += 1) {
    const key = table.startOf(id) as number;
    if (table.kindAt(key) !== entryKinds.tombstone || table.generationAt(key) <= (generation ?? -1)) continue;
    wanted.get(nameAt(table, key))?.add(table, key);
    if (table.hasSubjectAt(key)) wanted.get(nameKey(entryDomains.subject, table.subjectTagAt(key)))?.add(table, key);
  }
  let last = { stream: '', tag: tagText(secrets, '') };
  return starts.map((start) => {
    const { ids, streams } = wanted.get(nameAt(table, start)) as GoneKeys;
    return {
      kind: kinds[table.domainAt(start)],
      tag: table.ownerTagAt(start).toString('hex'),
      ids,
      timeMs: table.timeAt(start),
      isNew: generation !== undefined,
      isOf: (stream) => {
        // Of many erasures each is asked for the same stream: its tag takes an HMAC.
        if (stream !== last.stream) last = { stream, tag: tagText(secrets, stream) };
        return streams.has(last.tag);
      },
    };
  });
}

/** Erasures of streams and subjects that were made after `keyGeneration`. */
export function erasuresAfter(table: KeyTable, secrets: StoreSecrets, keyGeneration: number): ErasedKeys[] {
  const starts = [...table.erasedNames()].filter(
    (start) => table.generationAt(start) > keyGeneration && table.domainAt(start) !== entryDomains.projection,
  );
  return erasuresAt(table, secrets, starts, keyGeneration);
}

/** Keys that went with one name. */
class GoneKeys {
  readonly ids: number[] = [];
  /** Tags of streams that any of them was of. */
  readonly streams = new Set<string>();

  add(table: KeyTable, key: number): void {
    this.ids.push(table.idAt(key));
    if (table.domainAt(key) === entryDomains.stream) this.streams.add(table.ownerTagAt(key).toString('latin1'));
  }
}

/** Of the owner of the key, or of the name, whose entry is at `start`. */
function nameAt(table: KeyTable, start: number): string {
  return nameKey(table.domainAt(start), table.ownerTagAt(start));
}

function tagText(secrets: StoreSecrets, stream: string): string {
  return secrets.tag('stream', [stream]).toString('latin1');
}

/** @throws {KEY_ERASED} when the owner with these tags, or its subject, was erased */
export function refuseErased(table: KeyTable, owner: KeyOwner, tags: Buffer): void {
  const domain = owner.kind === 'stream' ? entryDomains.stream : entryDomains.projection;
  const isOwnerErased = table.erasedName(domain, tags.subarray(0, noTag.length)) !== undefined;
  const isSubjectErased = table.erasedName(entryDomains.subject, tags.subarray(noTag.length)) !== undefined;
  if (!isOwnerErased && !isSubjectErased) return;
  if (owner.kind === 'projection')
    throw new BusError('KEY_ERASED', `build ${owner.build} of the projection ${owner.name} was erased`, {
      stream: undefined,
      subject: undefined,
    });
  const { stream, subject } = owner;
  const what = isOwnerErased ? `the stream ${JSON.stringify(stream)}` : 'the subject';
  throw new BusError(
    'KEY_ERASED',
    `${what} was erased: with newKeyGeneration: true it gets a new key in ${JSON.stringify(stream)}, what was erased stays erased`,
    { stream, subject: isSubjectErased ? subject : undefined },
  );
}
