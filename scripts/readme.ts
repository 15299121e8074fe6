/**
 * The parts of README.md that are copies: the quickstart (examples/quickstart.ts) and the table of error codes (the
 * comments in src/errors.ts). `npm run readme` writes them; test/readme.test.ts fails while they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

/** What README.md should be: what it is, with each part between `<!-- name -->` and `<!-- /name -->` written anew. */
export function renderedReadme(): string {
  const quickstart = readText('examples/quickstart.ts').replace("'#store'", "'varvebus'").trimEnd();
  const withQuickstart = withPart(readText('README.md'), 'quickstart', `\`\`\`ts\n${quickstart}\n\`\`\``);
  return withPart(withQuickstart, 'errors', errorTable(readText('src/errors.ts')));
}

/** A Markdown table of the codes in the text of `interface ErrorDetails`, in its order. */
export function errorTable(errorsSource: string): string {
  const entries = errorsSource.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*([A-Z][A-Z_]+):/g);
  const rows = [...entries].map(([, comment = '', code]) => {
    const meaning = comment
      .replaceAll(/\n\s*\*/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim()
      .replaceAll('|', '\\|');
    return `| \`${code}\` | ${meaning} |`;
  });
  return ['| code | meaning |', '|---|---|', ...rows].join('\n');
}

export function readText(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

function withPart(readme: string, name: string, part: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const startAt = readme.indexOf(start);
  const endAt = readme.indexOf(end);
  if (startAt < 0 || endAt < startAt) throw new Error(`README.md has no ${start} … ${end}`);
  return `${readme.slice(0, startAt + start.length)}\n${part}\n${readme.slice(endAt)}`;
}

if (import.meta.main) writeFileSync(new URL('README.md', root), renderedReadme());
