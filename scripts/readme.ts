/**
 * The parts of documents that are copies: the quickstart in README.md (examples/quickstart.ts) and the table of error codes in
 * docs/errors.md (the comments in src/errors.ts). `npm run readme` writes them; test/readme.test.ts fails while they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

/** Each document with copied parts, and what it should be: what it is, with those parts written anew. */
export const rendered: Readonly<Record<string, () => string>> = {
  'README.md': () => {
    const quickstart = readText('examples/quickstart.ts').replace("'#store'", "'varvebus'").trimEnd();
    return withPart('README.md', 'quickstart', `\`\`\`ts\n${quickstart}\n\`\`\``);
  },
  'docs/errors.md': () => withPart('docs/errors.md', 'errors', errorTable(readText('src/errors.ts'))),
};

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

/** The document at `path`, with `part` between `<!-- name -->` and `<!-- /name -->`. */
function withPart(path: string, name: string, part: string): string {
  const text = readText(path);
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const startAt = text.indexOf(start);
  const endAt = text.indexOf(end);
  if (startAt < 0 || endAt < startAt) throw new Error(`${path} has no ${start} … ${end}`);
  return `${text.slice(0, startAt + start.length)}\n${part}\n${text.slice(endAt)}`;
}

if (import.meta.main) {
  for (const [path, render] of Object.entries(rendered)) writeFileSync(new URL(path, root), render());
}
