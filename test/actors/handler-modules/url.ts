/** URL of the handler module `name` of this directory. */
export const handlerUrl = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);
