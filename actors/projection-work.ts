/**
 * Which build of a projection its processor works on, and the store as that processor sees it.
 *
 * A build is the handlers of one version run over the log from its beginning, into rows and a cursor of its own. Owns the
 * change from one build to the next: it is written with a move of the new build's cursor, in one transaction, when that is as
 * far as the old one; readers see the old build before it and the new one after it. The number of the build is the generation of its
 * cursor.
 */
import type { ErasureMark, ProjectionBuild, ProjectionBuilds } from '../src/codec/projection-row.ts';
import { BusError } from '../src/errors.ts';
import { type CursorMove, type CursorPlace, readCursor } from '../src/log/cursor.ts';
import type { CountedErasure } from '../src/log/erasure-counts.ts';
import { lettersBehind } from '../src/log/letters.ts';
import { markRemovals, readMarks } from '../src/log/projection-erasure.ts';
import { BuildEntries, buildCursorName, buildsRow, readBuilds } from '../src/log/projection-rows.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { Engine, Snapshot, TableName } from '../src/storage/engine.ts';
import type { ProcessorStore } from './processor-store.ts';

/** What projections need of a store beside what processors do. */
export interface ProjectionStore {
  readonly processors: ProcessorStore;
  readonly engine: Pick<Engine, 'read'>;
  readonly incarnation: Uint8Array;
  /** Resolves when the rows are durable. @throws whatever a commit fails for. */
  readonly writeRows: (rows: readonly RowDraft[]) => Promise<void>;
  /** Resolves when what was sealed with the key of a build can't be opened any more, by anybody. @throws whatever a commit fails for. */
  readonly eraseKey: (what: { readonly projection: string; readonly build: number }) => Promise<void>;
  /** Resolves when no erasure is on its way: nothing is read from the log meanwhile that could be gone before it is saved. */
  readonly erasuresDone: () => Promise<void>;
  /** What was erased by the facts at these positions, the first one first. @throws {STORE_CORRUPT} {STORE_CLOSED} */
  readonly erasuresBetween: (since: number, until: number) => Promise<readonly CountedErasure[]>;
}

/** Which handlers make the builds. */
export interface ProjectionKind {
  readonly name: string;
  readonly version: number;
  /** Where the store can seal. */
  readonly isSealed: boolean;
  /** Whether events of a stream may be in the entries. */
  readonly isConcerned: (stream: string | undefined) => boolean;
  /** Whether entries can be corrected after an erasure; otherwise another build takes their place. */
  readonly canCorrect: boolean;
}

/** A build, and how far it is. */
interface Place {
  readonly build: ProjectionBuild;
  readonly cursor: CursorPlace | undefined;
  readonly marks: readonly ErasureMark[];
}

export interface ProjectionWorkEvents {
  /** The rows of the store are what counts from here on. */
  readonly onOpened: (entries: BuildEntries) => void;
  /** The rows that correct the entries opened last after erasures. */
  readonly onErased: (erasures: readonly CountedErasure[]) => readonly RowDraft[];
  /** A move is durable. `isOther`: it has made another build the one that is read, or that is worked on. */
  readonly onMoved: (isOther: boolean) => void;
}

export class ProjectionWork {
  /** For the projection's processor. */
  readonly store: ProcessorStore;
  readonly #name: string;
  readonly #kind: ProjectionKind;
  readonly #store: ProjectionStore;
  readonly #events: ProjectionWorkEvents;
  /** The build worked on; `undefined` before the first load. */
  #current: ProjectionBuild | undefined;
  #hasCursor = false;
  #durable = 0;
  /** As stored, and as the next move leaves them. */
  #stored: ProjectionBuilds | undefined;
  #wanted: ProjectionBuilds | undefined;
  /** Where it takes the place of the build that is read: as far as that one is, which nobody takes further meanwhile. */
  #switchAt = 0;

  constructor(kind: ProjectionKind, store: ProjectionStore, events: ProjectionWorkEvents) {
    this.#name = kind.name;
    this.#kind = kind;
    this.#store = store;
    this.#events = events;
    this.store = {
      ...store.processors,
      load: () => this.#load(),
      read: (use) => store.processors.read((snapshot) => use(this.#hasCursor ? snapshot : withoutLetters(snapshot))),
      moveCursor: (move) => this.#move(move),
    };
  }

  /** The number of the build; known once it was loaded. */
  get build(): number | undefined {
    return this.#current?.build;
  }

  /** Whether the build is not read yet; known once it was loaded. */
  get isBuilding(): boolean {
    return this.#wanted?.building !== undefined;
  }

  /** Whether everything up to `position` being handled is a reason to save at once. */
  isDue(position: number, isDirty: boolean): boolean {
    if (this.#isToSwitch(position)) return true;
    // Those who wait for a position in other threads are told by the cursor alone, and nothing else will move it.
    return !isDirty && position > this.#durable && position >= this.#store.processors.head();
  }

  /**
   * Begins a build of the same version, for the next load. Only while the processor is stopped, and in its turn.
   * @throws whatever a commit fails for.
   */
  async beginBuild(): Promise<void> {
    const { active, building } = this.#read((snapshot) => {
      const { active, lastBuild } = readBuilds(snapshot, this.#name);
      return { active, building: this.#newBuild(snapshot, lastBuild) };
    });
    await this.#store.writeRows([buildsRow(this.#name, { active, building, lastBuild: building.build })]);
  }

  /** Chooses the build to work on, takes in what was erased behind it, and gives its cursor. @throws {STORE_CORRUPT}, and as a commit */
  async #load(): Promise<CursorPlace> {
    await this.#store.erasuresDone();
    const { builds, known, fresh, active } = this.#read((snapshot) => this.#look(snapshot));
    const erased = known === undefined ? [] : await this.#erasedBehind(known);
    const isSpoilt = erased.length > 0 && !this.#kind.canCorrect;
    const { build: current, cursor, marks } = known === undefined || isSpoilt ? fresh : known;
    this.#current = current;
    this.#stored = builds;
    this.#wanted = buildsFor(builds, current);
    this.#hasCursor = cursor !== undefined;
    this.#durable = cursor?.position ?? 0;
    this.#switchAt = active?.position ?? 0;
    const entries = new BuildEntries(this.#name, current);
    this.#events.onOpened(entries);
    if (cursor !== undefined && marks.length > 0) {
      const corrections = erased.length === 0 ? [] : this.#events.onErased(erased);
      await this.#store.processors.moveCursor({
        name: buildCursorName(this.#name, current.build),
        expected: cursor,
        to: cursor,
        rows: [...corrections, ...markRemovals(this.#name, marks)],
      });
      this.#events.onOpened(entries);
    }
    return cursor ?? { position: 0, generation: current.build };
  }

  /** The build that the handlers may go on with, if there is one, and one that was not begun yet: without rows and cursor. */
  #look(snapshot: Snapshot) {
    const builds = readBuilds(snapshot, this.#name);
    const { active, building } = builds;
    const place = (build: ProjectionBuild): Place => ({
      build,
      cursor: readCursor(snapshot, buildCursorName(this.#name, build.build), this.#store.incarnation),
      marks: readMarks(snapshot, this.#name, build.build),
    });
    const fresh = place(this.#newBuild(snapshot, builds.lastBuild));
    const { version, isSealed } = fresh.build;
    const isOurs = (one: ProjectionBuild | undefined): one is ProjectionBuild =>
      one?.version === version && one.isSealed === isSealed && !new BuildEntries(this.#name, one).areErased(snapshot);
    // Where another build was begun, that has taken the letters over: what is read can't be gone on with.
    const known = isOurs(building) ? building : building === undefined && isOurs(active) ? active : undefined;
    return { builds, known: known && place(known), fresh, active: active && place(active).cursor };
  }

  #newBuild(snapshot: Snapshot, lastBuild: number): ProjectionBuild {
    const { version, isSealed } = this.#kind;
    return { version, build: lastBuild + 1, isSealed: isSealed && snapshot.keys !== undefined };
  }

  /** What of the events that a build has consumed may have been erased since. */
  async #erasedBehind({ cursor, marks }: Place): Promise<CountedErasure[]> {
    const erasures = new Map<number, CountedErasure>();
    for (const { since, position } of marks) {
      for (const erasure of await this.#store.erasuresBetween(since, position)) erasures.set(erasure.position, erasure);
    }
    const consumed = cursor?.position ?? 0;
    return [...erasures.values()].filter(
      ({ firstPosition, stream }) =>
        firstPosition !== undefined && firstPosition <= consumed && this.#kind.isConcerned(stream),
    );
  }

  async #move({ expected, to, rows, ...rest }: Omit<CursorMove, 'kind'>): Promise<void> {
    const current = this.#current as ProjectionBuild;
    if (to.generation !== current.build) throw unresettable(this.#name);
    const wanted = this.#isToSwitch(to.position) ? switched(current) : (this.#wanted as ProjectionBuilds);
    const isOther = !isSame(wanted, this.#stored as ProjectionBuilds);
    await this.#store.processors.moveCursor({
      ...rest,
      name: buildCursorName(this.#name, current.build),
      expected: this.#hasCursor ? expected : undefined,
      to,
      rows: [
        ...(this.#hasCursor ? [] : this.#read((snapshot) => lettersBehind(snapshot, this.#name, 0))),
        ...rows,
        ...(isOther ? [buildsRow(this.#name, wanted)] : []),
      ],
    });
    this.#hasCursor = true;
    this.#durable = to.position;
    this.#stored = wanted;
    this.#wanted = wanted;
    this.#events.onMoved(isOther);
  }

  #isToSwitch(position: number): boolean {
    return this.isBuilding && position >= this.#switchAt;
  }

  #read<T>(use: (snapshot: Snapshot) => T): T {
    return this.#store.engine.read(use);
  }
}

/** The builds there are once `current` is worked on. The first of all is read at once: there is nothing to keep for readers. */
function buildsFor({ active, lastBuild }: ProjectionBuilds, current: ProjectionBuild): ProjectionBuilds {
  const isActive = active === undefined || active.build === current.build;
  return {
    active: isActive ? current : active,
    building: isActive ? undefined : current,
    lastBuild: Math.max(lastBuild, current.build),
  };
}

/** Dead letters and parked events are those of the build before, until the first move of this one removes them. */
function withoutLetters(snapshot: Snapshot): Snapshot {
  const isLetters = (table: TableName) => table === 'dead_letters' || table === 'parked';
  return {
    keys: snapshot.keys,
    block: (position) => snapshot.block(position),
    walkForward: (position, visit) => snapshot.walkForward(position, visit),
    walkBackward: (position, visit) => snapshot.walkBackward(position, visit),
    row: (table, key) => (isLetters(table) ? undefined : snapshot.row(table, key)),
    walkRows: (table, range, visit) => {
      if (!isLetters(table)) snapshot.walkRows(table, range, visit);
    },
  };
}

function switched(current: ProjectionBuild): ProjectionBuilds {
  return { active: current, building: undefined, lastBuild: current.build };
}

function isSame(left: ProjectionBuilds, right: ProjectionBuilds): boolean {
  return (
    left.active?.build === right.active?.build &&
    left.building?.build === right.building?.build &&
    left.lastBuild === right.lastBuild
  );
}

function unresettable(name: string): BusError {
  return new BusError(
    'UNSUPPORTED',
    `the projection ${JSON.stringify(name)} is built anew by rebuild(), not by a reset`,
    {
      feature: 'reset of a projection',
    },
  );
}
