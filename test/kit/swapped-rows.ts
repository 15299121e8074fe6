/** What somebody could do who writes to the file: rows under each other's keys, with checksums that are right. */
import { openRow, sealRow } from '#kernel/codec/row';

/** Swaps the values of the first two rows. */
export function swapped(rows: { readonly key: Uint8Array; readonly value: Uint8Array }[]): void {
  const [first, second] = rows as [(typeof rows)[number], (typeof rows)[number]];
  const payloads = [first, second].map(({ key, value }) => openRow('', key, value));
  rows[0] = { key: first.key, value: sealRow(first.key, payloads[1] as Uint8Array) };
  rows[1] = { key: second.key, value: sealRow(second.key, payloads[0] as Uint8Array) };
}
