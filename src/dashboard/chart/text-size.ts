/**
 * How much room a text takes in a chart, without a browser that could tell: on the safe side, because each system has other fonts.
 */

/** Sizes of text, in pixels. */
export const nodeTextPx = 13;
export const edgeTextPx = 11;
export const edgeLinePx = 14;

const narrow = /[ .,:;'|!ijlIt()[\]/-]/;
const wide = /[mwMW@%—…]|[^\u0020-\u024f]/;

/** Pixels; of the widest line. */
export function textWidth(text: string, sizePx: number): number {
  return Math.max(...text.split('\n').map((line) => lineWidth(line))) * sizePx;
}

/** In parts of the size of its letters, as in a wide sans-serif. */
function lineWidth(line: string): number {
  let width = 0;
  for (const letter of line) {
    if (narrow.test(letter)) width += 0.38;
    else if (wide.test(letter)) width += 0.96;
    else width += letter === letter.toLowerCase() ? 0.62 : 0.74;
  }
  return width;
}
