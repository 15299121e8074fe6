/**
 * Which build of a projection its processor works on, and the store as that processor sees it.
 *
 * A build is the handlers of one version run over the log from its beginning, into rows and a cursor of its own. Owns the
 * change from one build to the next: it is written with a move of the new build's cursor, in one transaction, when that is as
 * far as the old one; readers see the old build before it and the new one after it. The number of the build is the generation of its
 * cursor.
 */
import type { ProjectionBuild, ProjectionBuilds } from '../src/codec/projection-row.ts';
import { BusError } from '../src/errors.ts';
import { type CursorMove, type CursorPlace, readCursor } from '../src/log/cursor.ts';
import { lettersBehind } from '../src/log/letters.ts';
import { BuildEntries, buildCursorName, buildsRow, readBuilds } from '../src/log/projection-rows.ts';
import type { Engine, RowWrite, Snapshot, TableName } from '../src/storage/engine.ts';
import type { ProcessorStore } from './processor-store.ts';

/** What projections need of a store beside what processors do. */
export interface ProjectionStore {
  readonly processors: ProcessorStore;
  readonly engine: Pick<Engine, 'read'>;
  readonly incarnation: Uint8Array;
  /** Resolves when the rows are durable. @throws whatever a commit fails for. */
  readonly writeRows: (rows: readonly RowWrite[]) => Promise<void>;
}

export interface ProjectionWorkEvents {
  /** The rows of the store are what counts from here on. */
  readonly onOpened: (entries: BuildEntries) => void;
  /** A move is durable. `isOther`: it has made another build the one that is read, or that is worked on. */
  readonly onMoved: (isOther: boolean) => void;
}

export class ProjectionWork {
  /** For the projection's processor. */
  readonly store: ProcessorStore;
  readonly #name: string;
  readonly #version: number;
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

  constructor(name: string, version: number, store: ProjectionStore, events: ProjectionWorkEvents) {
    this.#name = name;
    this.#version = version;
    this.#store = store;
    this.#events = events;
    this.store = {
      ...store.processors,
      cursor: () => this.#load(),
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
    const { active, lastBuild } = this.#read((snapshot) => readBuilds(snapshot, this.#name));
    const building = { version: this.#version, build: lastBuild + 1 };
    await this.#store.writeRows([buildsRow(this.#name, { active, building, lastBuild: building.build })]);
  }

  /** Chooses the build to work on, and gives its cursor. @throws {STORE_CORRUPT} */
  #load(): CursorPlace {
    const { builds, current, cursor, active } = this.#read((snapshot) => {
      const builds = readBuilds(snapshot, this.#name);
      const current = chosen(builds, this.#version);
      const cursorOf = (one: ProjectionBuild | undefined) =>
        one && readCursor(snapshot, buildCursorName(this.#name, one.build), this.#store.incarnation);
      return { builds, current, cursor: cursorOf(current), active: cursorOf(builds.active) };
    });
    this.#current = current;
    this.#stored = builds;
    this.#wanted = buildsFor(builds, current);
    this.#hasCursor = cursor !== undefined;
    this.#durable = cursor?.position ?? 0;
    this.#switchAt = active?.position ?? 0;
    this.#events.onOpened(new BuildEntries(this.#name, current));
    return cursor ?? { position: 0, generation: current.build };
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

/** The build that `version` goes on with; one that was not begun yet is without rows and cursor. */
function chosen({ active, building, lastBuild }: ProjectionBuilds, version: number): ProjectionBuild {
  if (building?.version === version) return building;
  // Another build that was begun has taken the letters over: what is read can't be gone on with.
  if (active?.version === version && building === undefined) return active;
  return { version, build: lastBuild + 1 };
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
