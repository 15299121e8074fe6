/**
 * What the turns of one case have given, and the report that is made of it.
 */
import { type BenchCase, contendersOf, isLessBetter } from './cases.ts';
import type { Measurement } from './contender-process.ts';
import type { Contender } from './contenders.ts';
import type { CaseReport, ContenderReport, PeerReport } from './report.ts';
import { median, pairedRatio, summarize } from './statistics.ts';

/** One turn, in the unit of its case. */
export interface Sample {
  readonly value: number;
  /** 0: not measured. */
  readonly cpuUsPerEvent: number;
}

/** Samples of each contender, and of what the subject's turns have measured beside. */
export class Samples {
  readonly #byName = new Map<string, Sample[]>();

  add(name: string, sample: Sample): void {
    const samples = this.#byName.get(name);
    if (samples === undefined) this.#byName.set(name, [sample]);
    else samples.push(sample);
  }

  /** The CPU of a turn can't be told apart: all of it goes to its contender. */
  addTurn(name: string, { events, elapsedMs, cpuUs, value, beside = {} }: Measurement): void {
    this.add(name, {
      value: value ?? (events / elapsedMs) * 1000,
      cpuUsPerEvent: events === 0 ? 0 : cpuUs / events,
    });
    for (const [other, otherValue] of Object.entries(beside)) this.add(other, { value: otherValue, cpuUsPerEvent: 0 });
  }

  report(one: BenchCase): CaseReport {
    const { id, unit } = one;
    const contender = contendersOf(one)[0] as Contender;
    const own = this.#of(contender);
    const peerReport = (samples: readonly Sample[]): PeerReport => ({
      ...summarizeContender(samples),
      ratio: pairedRatio(values(own), values(samples), isLessBetter(unit)),
    });
    const peers = [...this.#byName].filter(([name]) => name !== contender);
    return {
      id,
      unit,
      contender,
      ...summarizeContender(own),
      peers: Object.fromEntries(peers.map(([name, samples]) => [name, peerReport(samples)])),
    };
  }

  #of(name: string): readonly Sample[] {
    return this.#byName.get(name) ?? [];
  }
}

function values(samples: readonly Sample[]): number[] {
  return samples.map(({ value }) => value);
}

function summarizeContender(samples: readonly Sample[]): ContenderReport {
  return {
    ...summarize(values(samples)),
    cpuUsPerEvent: median(samples.map(({ cpuUsPerEvent }) => cpuUsPerEvent)),
  };
}
