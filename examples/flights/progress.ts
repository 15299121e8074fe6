/**
 * What is shown while the demo works: how far the appending has come, and lines about what happens beside it.
 *
 * On a terminal a bar, with the lines above it; elsewhere a line for each quarter, between the others.
 */
import { grouped } from './report-text.ts';

export interface Progress {
  /** How many flights are appended, and when the latest departed. */
  readonly update: (done: number, date: string) => void;
  readonly say: (line: string) => void;
}

export const silentProgress: Progress = { update: () => undefined, say: () => undefined };

const barWidth = 30;
const redrawMs = 40;
const clearLine = '\r\u001b[2K';

export function showProgress(stream: NodeJS.WriteStream, total: number): Progress {
  const textOf = (done: number, date: string) =>
    `${grouped(done).padStart(grouped(total).length)} of ${grouped(total)} flights  ${date.slice(0, 'YYYY/MM/DD'.length)}`;
  return stream.isTTY ? barOn(stream, total, textOf) : linesOn(stream, total, textOf);
}

type TextOf = (done: number, date: string) => string;

function barOn(stream: NodeJS.WriteStream, total: number, textOf: TextOf): Progress {
  let shownMs = 0;
  let bar = '';
  return {
    update: (done, date) => {
      if (done < total && performance.now() - shownMs < redrawMs) return;
      shownMs = performance.now();
      const blocks = '█'.repeat(Math.floor((done / total) * barWidth)).padEnd(barWidth, '░');
      bar = done < total ? `${blocks} ${textOf(done, date)}` : '';
      stream.write(`${clearLine}${bar}`);
    },
    say: (line) => void stream.write(`${clearLine}${line}\n${bar}`),
  };
}

function linesOn(stream: NodeJS.WriteStream, total: number, textOf: TextOf): Progress {
  let shownQuarter = 0;
  return {
    update: (done, date) => {
      const quarter = Math.floor((4 * done) / total);
      if (quarter > shownQuarter) stream.write(`appended ${textOf(done, date)}\n`);
      shownQuarter = quarter;
    },
    say: (line) => void stream.write(`${line}\n`),
  };
}
