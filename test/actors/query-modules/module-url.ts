/** URL of the query module `name` of this directory. */
export const moduleUrl = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);
