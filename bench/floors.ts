/**
 * How far ahead of the hand-written peer on lmdb-js varvebus has to be: ratios by case, shown as met or missed.
 *
 * Not tests: machines differ and disks have bad minutes. A case without a floor is reported only.
 */
export const floorPeer = 'lmdb-js';

export const floorByCase: Readonly<Record<string, number>> = {
  'append-1': 0.7,
  'append-batch-100': 2,
  'append-1024': 2,
  'scan-decoded': 1.5,
  'scan-1of5': 4,
  'read-stream-scattered': 1,
};
