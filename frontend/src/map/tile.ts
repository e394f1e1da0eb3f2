/** Reads a vector tile of /tiles into what the map draws. */

import { VectorTile, type VectorTileFeature } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";
import { type CellName, TILE } from "./cells";

/** A cluster stands for a square of its tile's grid, which is itself a tile so many levels further down. */
const GRID_LEVELS = 3;
/** With more pins than this, a tile of these levels has a coarser grid: the squares of the last of them (docs/decisions/0011). */
const CROWD = 20_000;
const CROWD_LEVELS = { first: 14, last: 16 };

/** Pixels from the tile's north-west corner. */
interface Place {
  x: number;
  y: number;
}

/** A single asset. */
export interface Pin extends Place {
  uid: string;
  title: string;
  kind: string;
}

/** Several assets drawn as one; `parts` are the kinds in it, most first. */
export interface Cluster extends Place {
  count: number;
  parts: [kind: string, count: number][];
  /** All of them stand on one spot: no zoom parts them. */
  stack: boolean;
  /** More matched than the service looked at: the counts are estimated from a sample. */
  approximate: boolean;
}

/** A line or polygon, in pixels; `closed` for polygons. */
export interface Shape {
  uid: string;
  kind: string;
  closed: boolean;
  rings: Place[][];
}

export interface TileContent {
  pins: Pin[];
  clusters: Cluster[];
  shapes: Shape[];
}

export const EMPTY: TileContent = { pins: [], clusters: [], shapes: [] };

/** The content of a tile. Throws on bytes that are no vector tile. */
export function readTile(bytes: ArrayBuffer, kinds: string[]): TileContent {
  const content: TileContent = { pins: [], clusters: [], shapes: [] };
  if (bytes.byteLength === 0) return content;
  for (const [name, layer] of Object.entries(new VectorTile(new PbfReader(bytes)).layers))
    for (let at = 0; at < layer.length; at += 1) {
      const feature = layer.feature(at);
      if (name === "clusters") content.clusters.push(cluster(feature, kinds));
      else if (name === "shapes") content.shapes.push(shape(feature));
      else content.pins.push(pin(feature));
    }
  return content;
}

/** The square of the grid that a cluster stands for, as a tile of its own; where the grid has one square, the tile. */
export function cellUnder({ level, x, y }: CellName, content: TileContent, { x: right, y: down }: Place): CellName {
  const levels = gridLevels(level, content);
  const side = 2 ** levels;
  const square = (pixel: number): number => Math.min(side - 1, Math.max(0, Math.floor((pixel / TILE) * side)));
  return { level: level + levels, x: x * side + square(right), y: y * side + square(down) };
}

function gridLevels(level: number, { pins, clusters }: TileContent): number {
  const { first, last } = CROWD_LEVELS;
  if (level < first || level > last || clusters.some(({ approximate }) => approximate)) return GRID_LEVELS;
  const all = clusters.reduce((sum, { count }) => sum + count, pins.length);
  return all > CROWD ? last - level : GRID_LEVELS;
}

function cluster(feature: VectorTileFeature, kinds: string[]): Cluster {
  const parts = kinds
    .map((kind): [string, number] => [kind, Number(feature.properties[kind] ?? 0)])
    .filter(([, count]) => count > 0)
    .sort((one, other) => other[1] - one[1]);
  const { count, stack, approximate } = feature.properties;
  return { ...place(feature), count: Number(count ?? 0), parts, stack: stack === true, approximate: approximate === true };
}

function pin(feature: VectorTileFeature): Pin {
  const { uid, title, kind } = feature.properties;
  return { ...place(feature), uid: String(uid), title: String(title), kind: String(kind) };
}

function shape(feature: VectorTileFeature): Shape {
  const scale = TILE / feature.extent;
  const rings = feature.loadGeometry().map((ring) => ring.map((point) => ({ x: point.x * scale, y: point.y * scale })));
  const { uid, kind } = feature.properties;
  return { uid: String(uid), kind: String(kind), closed: feature.type === 3, rings };
}

function place(feature: VectorTileFeature): Place {
  const point = feature.loadGeometry()[0]?.[0];
  const scale = TILE / feature.extent;
  return { x: (point?.x ?? 0) * scale, y: (point?.y ?? 0) * scale };
}

// Counting what is in sight -----------------------------------------------------------------------------------------

export interface Tally {
  pins: number;
  /** Marks that stand for several pins. */
  clusters: number;
  parts: Map<string, number>;
  approximate: boolean;
}

/** A tile and the edges of what is seen of it, in its own pixels. */
interface Seen {
  content: TileContent;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** How many pins have their mark in sight, by kind. */
export function tallyOf(tiles: Seen[]): Tally {
  const tally: Tally = { pins: 0, clusters: 0, parts: new Map(), approximate: false };
  const add = (kind: string, n: number): void => void tally.parts.set(kind, (tally.parts.get(kind) ?? 0) + n);
  for (const { content, left, top, right, bottom } of tiles) {
    const seen = ({ x, y }: Place): boolean => x >= left && x < right && y >= top && y < bottom;
    for (const pin of content.pins.filter(seen)) {
      tally.pins += 1;
      add(pin.kind, 1);
    }
    for (const cluster of content.clusters.filter(seen)) {
      tally.pins += cluster.count;
      tally.clusters += 1;
      for (const [kind, n] of cluster.parts) add(kind, n);
    }
    tally.approximate ||= content.clusters.some(({ approximate }) => approximate);
  }
  return tally;
}
