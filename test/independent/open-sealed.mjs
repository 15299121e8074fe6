// Prints data of a sealed event in hexadecimal, by docs/format.md alone: three files (block, keys, master key), position
import { createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [block, keys, masterKey] = process.argv.slice(2, 5).map((path) => readFileSync(path));
const ordinal = Number(process.argv[5]) - block.readUIntLE(32, 6);
const label = (what) => Buffer.from(`varvebus ${what} 1\0`);
const u48 = (number) => Buffer.from(number.toString(16).padStart(12, '0'), 'hex').reverse();
function open(key, seal, sealed, associated) {
  const decipher = createDecipheriv('aes-256-gcm', key, seal.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.concat(associated)).setAuthTag(seal.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed), decipher.final()]);
}
const [directoryAt, events] = [block.readUInt32LE(12), block.readUInt32LE(44)];
const starts = Array.from({ length: events }, (_, index) => block.readUInt32LE(directoryAt + 4 * index));
const records = starts.map((start, index) => block.subarray(start, starts[index + 1] ?? directoryAt));
const [streams, types] = [block.readUInt16LE(38), block.readUInt16LE(40)];
const names = []; // with their lengths: types, then streams
for (let at = directoryAt + 4 * events; names.length < types + streams; at += names.at(-1).length)
  names.push(block.subarray(at, at + 2 + block.readUInt16LE(at)));
const isFirst = (record) => (record[4] & 2) === 0;
const first = records.findLastIndex((record, index) => index <= ordinal && isFirst(record));
const next = records.findIndex((record, index) => index > ordinal && isFirst(record));
const run = records.slice(first, next === -1 ? events : next);
const payloadAt = (record) => 56 + record[7] + record.readUInt16LE(52);
const payloads = run.map((record) => record.subarray(payloadAt(record)));
const placed = run.flatMap((record, index) => {
  const named = [names[types + record.readUInt16LE(8)], names[record.readUInt16LE(10)]];
  const header = [record.subarray(4, 8), record.subarray(12, 56), record.subarray(56 + record[7], payloadAt(record))];
  return [u48(block.readUIntLE(32, 6) + first + index), ...named, ...header];
});
const held = [label('keys'), keys.subarray(0, 64), keys.subarray(156, 764)];
const wrapping = open(masterKey, keys.subarray(64, 92), keys.subarray(92, 156), held).subarray(0, 32);
let entry = keys.subarray(768);
while (entry[0] !== 1 || entry.readUInt32LE(4) !== run[0].readUInt32LE(12)) entry = entry.subarray(128);
const wrapped = [label('key'), keys.subarray(16, 38), entry.subarray(0, 60)];
const key = open(wrapping, entry.subarray(60, 88), entry.subarray(88, 120), wrapped);
const all = open(key, run[0].subarray(56), Buffer.concat(payloads), [label('event'), keys.subarray(16, 32), ...placed]);
const start = Buffer.concat(payloads.slice(0, ordinal - first)).length;
process.stdout.write(all.toString('hex', start, start + records[ordinal].readUInt32LE(44)));
