// Opens a sealed event by docs/format.md and nothing else of varvebus, and prints its data in hexadecimal, as it is encoded:
// node open-sealed.mjs <file with a block> <copy of the keys file> <file with the 32 bytes of the master key> <position>
import { createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [block, keys, masterKey] = process.argv.slice(2, 5).map((path) => readFileSync(path));
const ordinal = Number(process.argv[5]) - block.readUIntLE(32, 6);
const label = (what) => Buffer.from(`varvebus ${what} 1\0`);
const cryptoId = keys.subarray(16, 32);

function open(key, seal, sealed, ...associated) {
  const decipher = createDecipheriv('aes-256-gcm', key, seal.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.concat(associated)).setAuthTag(seal.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed), decipher.final()]);
}

const [directoryAt, events] = [block.readUInt32LE(12), block.readUInt32LE(44)];
const offsets = [...Array(events).keys()].map((index) => block.readUInt32LE(directoryAt + 4 * index));
const records = offsets.map((start, index) => block.subarray(start, offsets[index + 1] ?? directoryAt));
const names = []; // with their lengths: types, then streams
for (let at = directoryAt + 4 * events; names.length < block.readUInt16LE(38) + block.readUInt16LE(40); )
  at += names[names.push(block.subarray(at, at + 2 + block.readUInt16LE(at))) - 1].length;

const isJoined = (record) => record !== undefined && (record[4] & 2) !== 0;
let [first, end] = [ordinal, ordinal + 1];
while (isJoined(records[first])) first -= 1;
while (isJoined(records[end])) end += 1;
const idAt = (record) => 56 + record[7];
const payloadOf = (record) => record.subarray(idAt(record) + record.readUInt16LE(52));
const aad = records.slice(first, end).flatMap((record, index) => {
  const position = Buffer.alloc(6);
  position.writeUIntLE(block.readUIntLE(32, 6) + first + index, 0, 6);
  const [type, stream] = [names[record.readUInt16LE(10)], names[block.readUInt16LE(40) + record.readUInt16LE(8)]];
  const id = record.subarray(idAt(record), idAt(record) + record.readUInt16LE(52));
  return [position, stream, type, record.subarray(4, 8), record.subarray(12, 56), id];
});

const [head, held] = [keys.subarray(0, 64), keys.subarray(92, 156)];
const wrappingKey = open(masterKey, keys.subarray(64, 92), held, label('keys'), head, keys.subarray(156, 764));
let entry = keys.subarray(768);
while (entry[0] !== 1 || entry.readUInt32LE(4) !== records[first].readUInt32LE(12)) entry = entry.subarray(128);
const wrapped = [entry.subarray(60, 88), entry.subarray(88, 120), label('key'), cryptoId, keys.subarray(32, 38)];
const dataKey = open(wrappingKey.subarray(0, 32), ...wrapped, entry.subarray(0, 60));
const sealed = Buffer.concat(records.slice(first, end).map(payloadOf));
const plain = open(dataKey, records[first].subarray(56), sealed, label('event'), cryptoId, ...aad);
const start = records.slice(first, ordinal).reduce((sum, record) => sum + payloadOf(record).length, 0);
process.stdout.write(plain.toString('hex', start, start + records[ordinal].readUInt32LE(44)));
