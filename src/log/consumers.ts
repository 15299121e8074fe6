/**
 * What a store knows of its consumers, whether they run or not: how far each has come, and what it gave up.
 */
import { decodeCursorRow } from '../codec/row.ts';
import type { Engine, Snapshot } from '../storage/engine.ts';
import { walkLetters, walkParked } from './letters.ts';
import { type Partition, partitionCursorOf } from './partitions.ts';
import { buildOfCursor, readBuilds } from './projection-rows.ts';

/** A cursor, as it is stored. */
export interface ConsumerPlace {
  /** Everything up to here is handled. */
  readonly position: number;
  /** Positions behind the head. */
  readonly lag: number;
  readonly generation: number;
  /** When the cursor was moved last, milliseconds since 1970. */
  readonly updatedMs: number;
}

/** One partition of a consumer: `index`, from 0 on, of so many. */
export interface ConsumerPartition extends ConsumerPlace, Partition {}

/** A consumer that has a cursor. With partitions, the place is the lowest of theirs; of a projection, that of what is read. */
export interface ConsumerInfo extends ConsumerPlace {
  readonly name: string;
  /** Dead letters that nobody has discarded. */
  readonly deadLetters: number;
  /** Those of them that wait to be tried again. */
  readonly waiting: number;
  readonly discarded: number;
  /** Events parked behind dead letters. */
  readonly parked: number;
  /** In order, where there are several. */
  readonly partitions?: readonly ConsumerPartition[];
  /** Of a projection: the build that is made beside the one that is read. */
  readonly building?: ConsumerPlace;
}

type Cursor = Omit<ConsumerPlace, 'lag'>;
type PartitionCursor = Partition & Cursor;

/** By name. `head` is asked for after the cursors are read. @throws {STORE_CORRUPT} {STORE_CLOSED} */
export function readConsumers(engine: Engine, head: () => number): ConsumerInfo[] {
  const consumers = engine.read((snapshot) =>
    cursorsByName(snapshot).map(([name, cursors]) => ({ name, cursors, letters: lettersOf(snapshot, name) })),
  );
  const last = head();
  const withLag = <Of extends Cursor>(cursor: Of) => ({ ...cursor, lag: Math.max(0, last - cursor.position) });
  return consumers.map(({ name, cursors: { plain, parts, building }, letters }) => {
    const partitions = wholeOf(parts, plain);
    const place = partitions.length === 0 ? (plain as Cursor) : lowestOf(partitions);
    return {
      name,
      ...withLag(place),
      ...letters,
      ...(partitions.length > 0 && { partitions: partitions.map(withLag) }),
      ...(building !== undefined && { building: withLag(building) }),
    };
  });
}

interface Cursors {
  plain: Cursor | undefined;
  readonly parts: PartitionCursor[];
  building: Cursor | undefined;
}

function cursorsByName(snapshot: Snapshot): [string, Cursors][] {
  const cursors = new Map<string, Cursors>();
  const builds: { name: string; build: number; cursor: Cursor; found: Cursors }[] = [];
  snapshot.walkRows('consumer_cursors', {}, (key, row) => {
    const { position, generation, updatedMs } = decodeCursorRow(key, row);
    const cursor = { position, generation, updatedMs };
    const cursorName = Buffer.from(key).toString();
    const part = partitionCursorOf(cursorName);
    const build = buildOfCursor(cursorName);
    const name = part?.name ?? build?.name ?? cursorName;
    const found: Cursors = cursors.get(name) ?? { plain: undefined, parts: [], building: undefined };
    if (part !== undefined) found.parts.push({ index: part.index, of: part.of, ...cursor });
    else if (build !== undefined) builds.push({ ...build, cursor, found });
    else found.plain = cursor;
    cursors.set(name, found);
    return true;
  });
  for (const { name, build, cursor, found } of builds) {
    const { active, building } = readBuilds(snapshot, name);
    // Until a first build is read, the one that is made is all there is.
    if (build === (active ?? building)?.build) found.plain = cursor;
    else if (build === building?.build) found.building = cursor;
  }
  // A build that is no longer wanted is no consumer.
  return [...cursors]
    .filter(([, { plain, parts }]) => plain !== undefined || parts.length > 0)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

/** All partitions, in order: those without a cursor begin where the plain one is. */
function wholeOf(parts: readonly PartitionCursor[], plain: Cursor | undefined): PartitionCursor[] {
  const of = parts[0]?.of ?? 0;
  const { position, generation, updatedMs } = plain ?? { position: 0, generation: 1, updatedMs: 0 };
  return Array.from(
    { length: of },
    (_, index) => parts.find((part) => part.index === index) ?? { index, of, position, generation, updatedMs },
  );
}

/** The lowest place, in the newest generation, with the newest time. */
function lowestOf(cursors: readonly Cursor[]): Cursor {
  return {
    position: Math.min(...cursors.map(({ position }) => position)),
    generation: Math.max(...cursors.map(({ generation }) => generation)),
    updatedMs: Math.max(...cursors.map(({ updatedMs }) => updatedMs)),
  };
}

function lettersOf(snapshot: Snapshot, consumer: string) {
  const letters = { deadLetters: 0, waiting: 0, discarded: 0, parked: 0 };
  walkLetters(snapshot, consumer, 0, ({ state }) => {
    if (state === 'discarded') letters.discarded++;
    else letters.deadLetters++;
    if (state === 'waiting') letters.waiting++;
    return true;
  });
  walkParked(snapshot, consumer, () => {
    letters.parked++;
    return true;
  });
  return letters;
}
