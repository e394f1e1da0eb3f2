/** Reads a vector tile of area outlines: what each is called, its rings, and where its name stands. */

import { VectorTile, type VectorTileFeature } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";
import { TILE } from "./cells";

/** An area as a tile names it. */
export interface Place {
  code: string;
  name: string;
}

/** The part of an area that a tile holds; rings in pixels from its north-west corner. */
export interface Outline extends Place {
  rings: { x: number; y: number }[][];
  box: { left: number; top: number; right: number; bottom: number };
}

export interface AreaTile {
  outlines: Outline[];
  names: (Place & { x: number; y: number })[];
}

/** The content of a tile. Throws on bytes that are no vector tile. */
export function readAreas(bytes: ArrayBuffer): AreaTile {
  if (bytes.byteLength === 0) return { outlines: [], names: [] };
  const { areas, names } = new VectorTile(new PbfReader(bytes)).layers;
  const each = (layer: typeof areas): VectorTileFeature[] =>
    layer ? Array.from({ length: layer.length }, (_, at) => layer.feature(at)) : [];
  return {
    outlines: each(areas).map((feature) => outlineOf(feature)),
    names: each(names).flatMap((feature) => {
      const point = ringsOf(feature)[0]?.[0];
      return point ? [{ ...placeOf(feature), ...point }] : [];
    }),
  };
}

/** The area that covers a pixel of the tile. */
export function areaAt({ outlines }: AreaTile, x: number, y: number): Place | null {
  return outlines.find(({ box, rings }) => within(box, x, y) && inRings(rings, x, y)) ?? null;
}

function outlineOf(feature: VectorTileFeature): Outline {
  const rings = ringsOf(feature);
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const ring of rings)
    for (const { x, y } of ring) {
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
    }
  return { ...placeOf(feature), rings, box };
}

const placeOf = ({ properties }: VectorTileFeature): Place => ({
  code: String(properties.code),
  name: String(properties.name),
});

function ringsOf(feature: VectorTileFeature): { x: number; y: number }[][] {
  const scale = TILE / feature.extent;
  return feature.loadGeometry().map((ring) => ring.map(({ x, y }) => ({ x: x * scale, y: y * scale })));
}

const within = (box: Outline["box"], x: number, y: number): boolean =>
  x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;

/** Even-odd: a hole is a ring like any other. */
function inRings(rings: { x: number; y: number }[][], x: number, y: number): boolean {
  let inside = false;
  for (const ring of rings)
    ring.forEach((one, at) => {
      const other = ring[(at + 1) % ring.length] ?? one;
      if (one.y > y !== other.y > y && x < one.x + ((y - one.y) / (other.y - one.y)) * (other.x - one.x)) inside = !inside;
    });
  return inside;
}
