/** Reads a vector tile of /tiles into what the map draws. */

import { VectorTile, type VectorTileFeature } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";

/** Pixels of a tile's side. */
export const TILE = 512;

/** A single asset; x and y are pixels from the tile's north-west corner. */
export interface Pin {
  x: number;
  y: number;
  uid: string;
  title: string;
  kind: string;
}

/** Several assets drawn as one; `parts` are the kinds in it, most first. */
export interface Cluster {
  x: number;
  y: number;
  count: number;
  parts: [kind: string, count: number][];
}

/** A line or polygon, in pixels; `closed` for polygons. */
export interface Shape {
  uid: string;
  kind: string;
  closed: boolean;
  rings: { x: number; y: number }[][];
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

function cluster(feature: VectorTileFeature, kinds: string[]): Cluster {
  const parts = kinds
    .map((kind): [string, number] => [kind, Number(feature.properties[kind] ?? 0)])
    .filter(([, count]) => count > 0)
    .sort((one, other) => other[1] - one[1]);
  return { ...place(feature), count: Number(feature.properties.count ?? 0), parts };
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

function place(feature: VectorTileFeature): { x: number; y: number } {
  const point = feature.loadGeometry()[0]?.[0];
  const scale = TILE / feature.extent;
  return { x: (point?.x ?? 0) * scale, y: (point?.y ?? 0) * scale };
}
