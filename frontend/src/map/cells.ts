/** Web Mercator cells: what an approximate place is rounded to before it leaves this browser. */

import type { Box, Geometry, LonLat } from "../api/types";

/** Level of the cells: about 400 m across in Britain, the same that the service uses. */
export const APPROXIMATE_LEVEL = 16;

export interface Cell {
  centre: LonLat;
  box: Box;
}

/** The cell of that level which holds the point, with the centre that stands for every point in it. */
export function cellOf([lon, lat]: LonLat, level: number = APPROXIMATE_LEVEL): Cell {
  const cells = 2 ** level;
  const x = clamp(Math.floor(((lon + 180) / 360) * cells), cells);
  const y = clamp(Math.floor(mercator(lat) * cells), cells);
  return {
    centre: round([longitude((x + 0.5) / cells), latitude((y + 0.5) / cells)]),
    box: [longitude(x / cells), latitude((y + 1) / cells), longitude((x + 1) / cells), latitude(y / cells)],
  };
}

/** Longitude and latitude to six decimals, about 0.1 m: nobody points more exactly than that. */
export const round = ([lon, lat]: LonLat): LonLat => [Number(lon.toFixed(6)), Number(lat.toFixed(6))];

/** True when the point lies inside the polygon or one of the polygons. */
export function covers(shape: Geometry, point: LonLat): boolean {
  if (shape.type === "Polygon") return inRings(shape.coordinates, point);
  return shape.type === "MultiPolygon" && shape.coordinates.some((rings) => inRings(rings, point));
}

/** The box around a geometry. */
export function boxOf(shape: Geometry): Box {
  const flat = (shape.coordinates as unknown[]).flat(Infinity) as number[];
  const lons = flat.filter((_, at) => at % 2 === 0);
  const lats = flat.filter((_, at) => at % 2 === 1);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

/** Even-odd rule over all rings, so holes count as outside. */
function inRings(rings: LonLat[][], [lon, lat]: LonLat): boolean {
  let inside = false;
  for (const ring of rings)
    ring.forEach(([x, y], at) => {
      const [px, py] = ring[at === 0 ? ring.length - 1 : at - 1] ?? [x, y];
      if (y > lat !== py > lat && lon < ((px - x) * (lat - y)) / (py - y) + x) inside = !inside;
    });
  return inside;
}

const clamp = (value: number, cells: number): number => Math.min(Math.max(value, 0), cells - 1);

/** Share of the world's height from the north edge, 0 to 1. */
function mercator(lat: number): number {
  const sine = Math.sin((lat * Math.PI) / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

const longitude = (share: number): number => share * 360 - 180;
const latitude = (share: number): number => (Math.atan(Math.sinh(Math.PI * (1 - 2 * share))) * 180) / Math.PI;
