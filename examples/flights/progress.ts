/**
 * How far the appending has come: a bar on a terminal, elsewhere a line for each quarter.
 */
import { grouped } from './report-text.ts';

const barWidth = 30;
const redrawMs = 40;

export function showProgress(stream: NodeJS.WriteStream, total: number): (done: number, date: string) => void {
  let [shownMs, shownQuarter] = [0, 0];
  return (done, date) => {
    const text = `${grouped(done).padStart(grouped(total).length)} of ${grouped(total)} flights  ${date.slice(0, 10)}`;
    if (stream.isTTY) {
      if (done < total && performance.now() - shownMs < redrawMs) return;
      shownMs = performance.now();
      const bar = '█'.repeat(Math.floor((done / total) * barWidth)).padEnd(barWidth, '░');
      stream.write(done < total ? `\r${bar} ${text}` : '\r\u001b[2K');
    } else {
      const quarter = Math.floor((4 * done) / total);
      if (quarter > shownQuarter) stream.write(`appended ${text}\n`);
      shownQuarter = quarter;
    }
  };
}
