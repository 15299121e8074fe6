/** What somebody could do who writes to the file: rows that say something else, with checksums that are right. */
import { openRow, sealRow } from '#kernel/codec/row';

/** What the row says becomes `payload`. */
export function forged(row: { readonly key: Uint8Array; value: Uint8Array }, payload: Uint8Array): void {
  row.value = sealRow(row.key, payload);
}

/** Swaps the values of the first two rows. */
export function swapped(rows: { readonly key: Uint8Array; readonly value: Uint8Array }[]): void {
  const [first, second] = rows as [(typeof rows)[number], (typeof rows)[number]];
  const payloads = [first, second].map(({ key, value }) => openRow('', key, value));
  rows[0] = { key: first.key, value: sealRow(first.key, payloads[1] as Uint8Array) };
  rows[1] = { key: second.key, value: sealRow(second.key, payloads[0] as Uint8Array) };
}
