/**
 * The contest: runs the chosen cases, all contenders turn by turn in each round, and makes the report.
 *
 * Each contender of a case has its own process and directory. Between its turns it waits, so that two neighbouring turns
 * differ in the contender only. What contenders read is compared: a difference fails the run.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { type BenchCase, cases, contendersOf, needsBuilt, type WorkCase } from './cases.ts';
import { ContenderClient } from './contender-client.ts';
import type { Contender } from './contenders.ts';
import type { BenchOptions } from './options.ts';
import { type CaseReport, formatProgress, type Report } from './report.ts';
import { Samples } from './samples.ts';
import { median, turns } from './statistics.ts';
import { probeSync } from './sync-probe.ts';

export class Contest {
  readonly #options: BenchOptions;
  readonly #directory: string;
  readonly #progress: (text: string) => void;
  readonly #syncUs: number[] = [];
  readonly #clients = new Set<ContenderClient>();

  /** Works in `directory`, which it leaves to the caller to remove. */
  constructor(options: BenchOptions, directory: string, progress: (text: string) => void) {
    this.#options = options;
    this.#directory = directory;
    this.#progress = progress;
  }

  async run(): Promise<Report> {
    try {
      return await this.#run();
    } finally {
      for (const client of this.#clients) client.kill();
    }
  }

  async #run(): Promise<Report> {
    const machine = describeMachine();
    const chosen = cases.filter(({ id }) => this.#options.only.includes(id));
    const built = new Set(chosen.filter(needsBuilt).flatMap(contendersOf));
    for (const contender of built) await this.#build(contender);
    const reports: CaseReport[] = [];
    for (const one of chosen) {
      this.#syncUs.push(...probeSync(this.#directory));
      const report = (await this.#samples(one, contendersOf(one))).report(one);
      this.#progress(formatProgress(report));
      reports.push(report);
    }
    return { machine, node: process.version.slice(1), syncUs: median(this.#syncUs), cases: reports };
  }

  /** Makes the large store of `contender`, with the same events as everybody's. */
  async #build(contender: Contender): Promise<void> {
    const client = await this.#start(contender, this.#builtDirectory(contender));
    const { elapsedMs } = await client.order({ kind: 'fill', events: this.#options.builtEvents });
    await this.#end(client);
    const rate = Math.round(this.#options.builtEvents / elapsedMs);
    this.#progress(`built a store of ${contender}: ${this.#options.builtEvents} events, ${rate}k/s`);
  }

  async #samples(one: BenchCase, contenders: readonly Contender[]): Promise<Samples> {
    if (one.kind === 'work') return this.#workSamples(one, contenders);
    return one.kind === 'open' ? this.#openSamples(contenders) : this.#sizeSamples(contenders);
  }

  async #workSamples(one: WorkCase, contenders: readonly Contender[]): Promise<Samples> {
    const { rounds, seconds } = this.#options;
    const samples = new Samples();
    const clients = new Map<Contender, ContenderClient>();
    const sums: string[] = [];
    for (const contender of contenders) {
      const directory = one.store === 'built' ? this.#builtDirectory(contender) : this.#ownDirectory(one, contender);
      const client = await this.#start(contender, directory, one.id);
      clients.set(contender, client);
      const { events, checksum } = await client.order({ kind: 'warm-up', caseId: one.id, ms: seconds * 500 });
      sums.push(`${events} events, checksum ${checksum}`);
    }
    if (new Set(sums).size > 1) throw new Error(`${one.id}: the contenders do different work: ${sums.join('; ')}`);
    for (let round = 0; round < rounds; round++) {
      for (const [contender, client] of turns([...clients], round)) {
        samples.addTurn(contender, await client.order({ kind: 'run', ms: seconds * 1000 }));
      }
    }
    for (const [contender, client] of clients) {
      await this.#end(client);
      if (one.store === 'empty') rmSync(this.#ownDirectory(one, contender), { recursive: true });
    }
    return samples;
  }

  async #openSamples(contenders: readonly Contender[]): Promise<Samples> {
    const samples = new Samples();
    for (let round = 0; round < this.#options.rounds; round++) {
      for (const contender of turns(contenders, round)) {
        const client = this.#client();
        const directory = this.#builtDirectory(contender);
        const { elapsedMs, cpuUs, events } = await client.order({ kind: 'open', contender, directory });
        await this.#end(client);
        samples.add(contender, { value: elapsedMs, cpuUsPerEvent: cpuUs / events });
      }
    }
    return samples;
  }

  #sizeSamples(contenders: readonly Contender[]): Samples {
    const samples = new Samples();
    for (const contender of contenders) {
      const value = dataBytes(this.#builtDirectory(contender)) / this.#options.builtEvents;
      samples.add(contender, { value, cpuUsPerEvent: 0 });
    }
    return samples;
  }

  async #start(contender: Contender, directory: string, profiledCase?: string): Promise<ContenderClient> {
    const { profileDirectory } = this.#options;
    const isProfiled = profileDirectory !== undefined && profiledCase !== undefined;
    const client = this.#client(isProfiled ? join(profileDirectory, profiledCase, contender) : undefined);
    mkdirSync(directory, { recursive: true });
    await client.order({ kind: 'open', contender, directory });
    return client;
  }

  #client(profileDirectory?: string): ContenderClient {
    const client = new ContenderClient(profileDirectory);
    this.#clients.add(client);
    return client;
  }

  async #end(client: ContenderClient): Promise<void> {
    await client.close();
    this.#clients.delete(client);
  }

  #builtDirectory(contender: Contender): string {
    return join(this.#directory, `built-${contender}`);
  }

  #ownDirectory({ id }: WorkCase, contender: Contender): string {
    return join(this.#directory, `${id}-${contender}`);
  }
}

/** Files on disk without LMDB's lock files, which are of a fixed size. */
function dataBytes(directory: string): number {
  return readdirSync(directory)
    .filter((name) => !name.includes('lock'))
    .reduce((total, name) => total + statSync(join(directory, name)).size, 0);
}

/** With the load of other programs, which is what to look at first when two runs differ. */
function describeMachine(): string {
  const processors = cpus();
  const processor = `${processors.length} x ${processors[0]?.model ?? 'unknown processor'}`;
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const load = (loadavg()[0] as number).toFixed(1);
  return `${processor}, ${memoryGib} GiB, ${type()} ${release()}, load ${load} before the run`;
}
