/** Where the map stands first: where most of the assets are, however large the country and however far one pin lies. */

import type { Box, LonLat } from "../api/types";
import { boxOfCell, cellAt, type CellName, lonLatIn } from "./cells";
import type { TileContent } from "./tile";

/** Share of the assets that the first view holds; a few far away do not pull it out. */
const MOST = 0.95;
/** Degrees across which a place counts as one place: a city. Nothing is looked for within it. */
const ONE_PLACE = 0.6;
const DEEPEST = 11;

/** The part of `whole` (the loaded areas, or the world) where most assets are; all of it when there are none, or when it
 *  is one place anyway. `inside` fetches a tile. */
export async function homeOf(whole: Box, inside: (tile: CellName) => Promise<TileContent>): Promise<Box> {
  let box = whole;
  for (let looks = 0; looks < 3 && acrossOf(box) > ONE_PLACE; looks += 1) {
    const marks = (await Promise.all(tilesOver(box).map((tile) => marksIn(tile, inside)))).flat();
    const found = marks.filter(({ at }) => holds(box, at));
    if (!found.length) return box;
    const closer = coreOf(found);
    if (acrossOf(closer) > 0.7 * acrossOf(box)) return box;
    box = closer;
  }
  return box;
}

interface Mark {
  at: LonLat;
  count: number;
  /** The square that the mark stands for. */
  cell: Box;
}

async function marksIn(tile: CellName, inside: (tile: CellName) => Promise<TileContent>): Promise<Mark[]> {
  const { pins, clusters } = await inside(tile);
  return [...pins.map((pin) => ({ ...pin, count: 1 })), ...clusters].map((mark) => {
    const at = lonLatIn(tile, mark);
    return { at, count: mark.count, cell: boxOfCell(cellAt(at, tile.level + 3)) };
  });
}

/** The least that is left when marks are taken away from the edges as long as most assets remain. */
export function coreOf(marks: Mark[]): Box {
  const all = marks.reduce((sum, { count }) => sum + count, 0);
  let kept = marks;
  for (let sum = all; kept.length > 1;) {
    const [west, south, east, north] = around(kept);
    const middle: LonLat = [median(kept, 0), median(kept, 1)];
    const far = ({ at }: Mark): number =>
      Math.max(Math.abs(at[0] - middle[0]) / (east - west || 1), Math.abs(at[1] - middle[1]) / (north - south || 1));
    const outermost = kept.reduce((one, other) => (far(other) > far(one) ? other : one));
    if (sum - outermost.count < all * MOST) break;
    sum -= outermost.count;
    kept = kept.filter((mark) => mark !== outermost);
  }
  return around(kept);
}

/** Where half of the assets lie on each side. */
function median(marks: Mark[], axis: 0 | 1): number {
  const sorted = [...marks].sort((one, other) => one.at[axis] - other.at[axis]);
  let left = sorted.reduce((sum, { count }) => sum + count, 0) / 2;
  for (const { at, count } of sorted) {
    left -= count;
    if (left <= 0) return at[axis];
  }
  return 0;
}

const around = (marks: Mark[]): Box => [
  Math.min(...marks.map(({ cell }) => cell[0])),
  Math.min(...marks.map(({ cell }) => cell[1])),
  Math.max(...marks.map(({ cell }) => cell[2])),
  Math.max(...marks.map(({ cell }) => cell[3])),
];

const acrossOf = ([west, south, east, north]: Box): number => Math.max(east - west, (north - south) * 1.6);
const holds = ([west, south, east, north]: Box, [lon, lat]: LonLat): boolean =>
  lon >= west && lon <= east && lat >= south && lat <= north;

/** The few tiles, at most four, that cover a box. */
function tilesOver([west, south, east, north]: Box): CellName[] {
  for (let level = DEEPEST; level > 0; level -= 1) {
    const [first, last] = [cellAt([west, north], level), cellAt([east, south], level)];
    if (last.x - first.x > 1 || last.y - first.y > 1) continue;
    const tiles: CellName[] = [];
    for (let x = first.x; x <= last.x; x += 1) for (let y = first.y; y <= last.y; y += 1) tiles.push({ level, x, y });
    return tiles;
  }
  return [{ level: 0, x: 0, y: 0 }];
}
