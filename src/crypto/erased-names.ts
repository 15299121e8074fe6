/**
 * Names that were erased, told from a keys file: what is in it of each, and which of them the log does not know of yet.
 */
import { BusError } from '../errors.ts';
import { type EntryDomain, entryDomains, entryKinds, noTag } from './key-entry.ts';
import type { Erasable, KeyOwner } from './key-owner.ts';
import type { ErasedKeys } from './key-ports.ts';
import type { KeyTable } from './key-table.ts';
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

/** The erasure of the name whose entry is at `start`, with the keys that went after this generation, or all that ever did. */
export function erasureAt(
  table: KeyTable,
  secrets: StoreSecrets,
  start: number,
  generation: number | undefined,
): ErasedKeys {
  const domain = table.domainAt(start);
  const tag = Buffer.from(table.ownerTagAt(start));
  const ids: number[] = [];
  const owners = new Set<string>();
  for (let id = 1; id <= table.lastKeyId; id += 1) {
    const key = table.startOf(id) as number;
    if (table.kindAt(key) !== entryKinds.tombstone || table.generationAt(key) <= (generation ?? -1)) continue;
    const isOne =
      domain === entryDomains.subject
        ? table.subjectTagAt(key).equals(tag)
        : table.domainAt(key) === domain && table.ownerTagAt(key).equals(tag);
    if (!isOne) continue;
    ids.push(id);
    if (table.domainAt(key) === entryDomains.stream) owners.add(table.ownerTagAt(key).toString('hex'));
  }
  return {
    kind: kinds[domain],
    tag: tag.toString('hex'),
    ids,
    timeMs: table.timeAt(start),
    isNew: generation !== undefined,
    isOf: (stream) => owners.has(secrets.tag('stream', [stream]).toString('hex')),
  };
}

/** Erasures of streams and subjects that were made after `keyGeneration`. */
export function erasuresAfter(table: KeyTable, secrets: StoreSecrets, keyGeneration: number): ErasedKeys[] {
  return [...table.erasedNames()]
    .filter((start) => table.generationAt(start) > keyGeneration && table.domainAt(start) !== entryDomains.projection)
    .map((start) => erasureAt(table, secrets, start, keyGeneration));
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
