/** Web Mercator cells: what an approximate place is rounded to before it leaves this browser. */

import type { Box, Geometry, LonLat } from "../api/types";

/** Pixels of a tile's side. */
export const TILE = 512;

/** Level of the cells: about 400 m across in Britain, the same that the service uses. */
export const APPROXIMATE_LEVEL = 16;

export interface Cell {
  centre: LonLat;
  box: Box;
}

/** A cell, which is also a tile of that zoom: column from the west, row from the north. */
export interface CellName {
  level: number;
  x: number;
  y: number;
}

/** The cell of that level which holds the point, with the centre that stands for every point in it. */
export function cellOf(point: LonLat, level: number = APPROXIMATE_LEVEL): Cell {
  const cell = cellAt(point, level);
  return { centre: round(lonLatIn(cell, { x: TILE / 2, y: TILE / 2 })), box: boxOfCell(cell) };
}

/** The cell of that level around a point. */
export function cellAt([lon, lat]: LonLat, level: number): CellName {
  const cells = 2 ** level;
  return { level, x: clamp(Math.floor(((lon + 180) / 360) * cells), cells), y: clamp(Math.floor(mercator(lat) * cells), cells) };
}

export function boxOfCell({ level, x, y }: CellName): Box {
  const cells = 2 ** level;
  return [longitude(x / cells), latitude((y + 1) / cells), longitude((x + 1) / cells), latitude(y / cells)];
}

/** Where a pixel of a tile is on earth. */
export function lonLatIn({ level, x, y }: CellName, pixel: { x: number; y: number }): LonLat {
  const cells = 2 ** level;
  return [longitude((x + pixel.x / TILE) / cells), latitude((y + pixel.y / TILE) / cells)];
}

/** Where in that tile a point lies, in its pixels. */
export function pixelIn({ level, x, y }: CellName, [lon, lat]: LonLat): { x: number; y: number } {
  const cells = 2 ** level;
  return { x: (((lon + 180) / 360) * cells - x) * TILE, y: (mercator(lat) * cells - y) * TILE };
}

/** Longitude and latitude to six decimals, about 0.1 m: nobody points more exactly than that. */
export const round = ([lon, lat]: LonLat): LonLat => [Number(lon.toFixed(6)), Number(lat.toFixed(6))];

/** The box around a geometry. */
export function boxOf(shape: Geometry): Box {
  const flat = (shape.coordinates as unknown[]).flat(Infinity) as number[];
  const lons = flat.filter((_, at) => at % 2 === 0);
  const lats = flat.filter((_, at) => at % 2 === 1);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

const clamp = (value: number, cells: number): number => Math.min(Math.max(value, 0), cells - 1);

/** Share of the world's height from the north edge, 0 to 1. */
function mercator(lat: number): number {
  const sine = Math.sin((lat * Math.PI) / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

const longitude = (share: number): number => share * 360 - 180;
const latitude = (share: number): number => (Math.atan(Math.sinh(Math.PI * (1 - 2 * share))) * 180) / Math.PI;
