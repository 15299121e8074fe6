/**
 * How bad a layout is to look at: long lines, crossings and bends, and more room than a page has.
 */
import type { ElkNode } from 'elkjs';

/** What a page of usual width has beside other things. Pixels. */
const roomPx = { width: 860, height: 1000 };
/** In pixels of line. */
const crossingCost = 60;
const bendCost = 12;
/** Lines of more parts than this are not compared with one another. */
const partsMax = 3_000;

interface Part {
  readonly edge: number;
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
}

/** In pixels of line; only good for comparing layouts of the same chart. */
export function costOf({ edges = [], width = 0, height = 0 }: ElkNode): number {
  const parts: Part[] = [];
  let [length, bends] = [0, 0];
  edges.forEach(({ sections = [] }, edge) => {
    for (const { startPoint, bendPoints = [], endPoint } of sections) {
      const points = [startPoint, ...bendPoints, endPoint];
      bends += bendPoints.length;
      for (let index = 1; index < points.length; index++) {
        const [a, b] = [points[index - 1] ?? startPoint, points[index] ?? endPoint];
        length += Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
        parts.push({
          edge,
          x0: Math.min(a.x, b.x),
          x1: Math.max(a.x, b.x),
          y0: Math.min(a.y, b.y),
          y1: Math.max(a.y, b.y),
        });
      }
    }
  });
  const tooWide = Math.max(0, width - roomPx.width);
  const tooHigh = Math.max(0, height - roomPx.height);
  const room = (width * height) / 200 + 8 * tooWide + 4 * tooHigh;
  return length + bendCost * bends + crossingCost * crossings(parts) + room;
}

function crossings(parts: readonly Part[]): number {
  if (parts.length > partsMax) return 0;
  const level = parts.filter(({ y0, y1 }) => y0 === y1);
  const upright = parts.filter(({ x0, x1 }) => x0 === x1);
  let count = 0;
  for (const a of level) {
    for (const b of upright) {
      if (a.edge !== b.edge && a.x0 < b.x0 && b.x0 < a.x1 && b.y0 < a.y0 && a.y0 < b.y1) count++;
    }
  }
  return count;
}
