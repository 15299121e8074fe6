/**
 * `varvebus info`: what a store is, how much is in it, and from when to when.
 */
import type { StoreInfo } from '../../actors/bus.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonLine } from './json-form.ts';
import { grouped, printable } from './printable.ts';

export const infoCommand: Command = {
  options: {},
  prepare:
    () =>
    async ({ bus, output, json }) => {
      const info = bus.info();
      const firstTimeMs = (await bus.event(1))?.timeMs;
      const lastTimeMs = (await bus.event(info.head))?.timeMs;
      await output.write(
        json ? jsonLine({ ...info, firstTimeMs, lastTimeMs }) : infoText(info, firstTimeMs, lastTimeMs),
      );
      return exitCodes.ok;
    },
};

function infoText(info: StoreInfo, firstTimeMs: number | undefined, lastTimeMs: number | undefined): string {
  const rows: readonly (readonly [string, string])[] = [
    ['path', printable(info.path)],
    ['store', info.storeId],
    ['incarnation', info.incarnation],
    ['created', formatTime(info.createdMs)],
    ['durability', durabilityText[info.durability]],
    ['events', grouped(info.head)],
    ['indexed', `up to ${grouped(info.indexedPosition)}`],
    ['first event', formatTime(firstTimeMs)],
    ['last event', formatTime(lastTimeMs)],
    ['size', sizeText(info)],
    ['encryption', encryptionText(info.encryption)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join('');
}

const durabilityText: Readonly<Record<StoreInfo['durability'], string>> = {
  sync: 'sync: what was acknowledged is on disk',
  os: 'os: a power cut may have damaged the store; verify tells',
};

function encryptionText(encryption: StoreInfo['encryption']): string {
  if (encryption === undefined) return 'none';
  const { mode, keys, erasedKeys, plainEvents, masterKeyId } = encryption;
  const sealed = mode === 'all' ? 'of all streams' : 'of some streams';
  const named = masterKeyId === undefined ? '' : `, master key ${printable(masterKeyId)}`;
  return `${sealed}, ${grouped(keys)} keys, ${grouped(erasedKeys)} erased, ${grouped(plainEvents)} events plain${named}`;
}

function formatTime(timeMs: number | undefined): string {
  return timeMs === undefined ? '-' : new Date(timeMs).toISOString();
}

/** Below this an empty store's own size is most of it. */
const eventsForMeanMin = 1_000;

function sizeText({ sizeBytes, head }: StoreInfo): string {
  const each = head < eventsForMeanMin ? '' : `, ${grouped(Math.round(sizeBytes / head))} for each event`;
  return `${grouped(sizeBytes)} bytes${each}`;
}
