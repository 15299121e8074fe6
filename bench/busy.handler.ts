/**
 * The CPU-bound handler of `handler-threads-2`: hashes for about 200 us an event. Looks at no data.
 */
import { createHash } from 'node:crypto';
import type { EventHandler } from '#store';

const hashBytes = 256 * 1024;
const bytes = Buffer.alloc(hashBytes, 'varvebus');

export const handle: EventHandler = ({ position }) => {
  bytes.writeUInt32LE(position);
  createHash('sha256').update(bytes).digest();
};
