/**
 * The benchmarks: `npm run bench`, see README.md beside this file.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Contest } from './contest.ts';
import { type BenchOptions, parseOptions, usage } from './options.ts';
import { formatTable } from './report.ts';

const args = process.argv.slice(2);
if (args.includes('--help')) console.log(usage);
else await main(parseOptions(args));

async function main(options: BenchOptions): Promise<void> {
  const directory = mkdtempSync(join(options.directory, 'varvebus-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  process.once('SIGINT', () => process.exit(130));
  const report = await new Contest(options, directory, (text) => console.error(text)).run();
  process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : formatTable(report));
}
