/** Opening what is on the map: an asset's page, a cluster's inside, or the list of what stands on one spot. */

import { latLngBounds, type Map as LeafletMap } from "leaflet";
import type { Box, LonLat } from "../api/types";
import { go, keepQuery, route } from "../router";
import { readFilters, writeFilters } from "../state";
import type { AssetLayer, Hit } from "./asset-layer";
import { boxOfCell, type CellName, cellAt, lonLatIn } from "./cells";
import { cellUnder } from "./tile";

/** Cells of this level are spots: what stands in one is never parted. */
const SPOT_LEVEL = 22;
/** A spot is looked at from this near. */
const SPOT_ZOOM = 16;
/** Pixels around the parts of a cluster, so that none lies at the edge. */
const ROOM = 64;

/** Where a cluster comes apart: the places of its parts, or the spot that all of it stands on. */
type Parting = { parts: LonLat[] } | { spot: CellName };

/** Open it. A cluster comes apart: the map goes where its parts are told from each other. What stands on one spot, or
 *  what no zoom of this map parts, is listed. */
export async function openHit(map: LeafletMap, assets: AssetLayer, hit: Hit, animate: boolean): Promise<void> {
  if (hit.type === "pin") { go(keepQuery(`/assets/${hit.pin.uid}`)); return; }
  if (hit.type === "shape") { go(keepQuery(`/assets/${hit.uid}`)); return; }
  const zoom = map.getZoom();
  const spot = cellAt([hit.at.lng, hit.at.lat], SPOT_LEVEL);
  if (hit.cluster.stack) { showSpot(map, boxOfCell(spot), animate); return; }
  if (zoom >= map.getMaxZoom()) { showSpot(map, boxOfCell(hit.cell), animate); return; }
  const parting = await partingOf(assets, hit.cell).catch(() => null);
  if (map.getZoom() !== zoom) return; // the reader has gone on
  if (!parting) map.setView(hit.at, Math.min(zoom + 2, map.getMaxZoom()), { animate });
  else if ("spot" in parting) showSpot(map, boxOfCell(parting.spot), animate);
  else {
    const bounds = latLngBounds(parting.parts.map(([lon, lat]) => [lat, lon]));
    const fits = map.getBoundsZoom(bounds, false, map.getSize().divideBy(map.getSize().x).multiplyBy(2 * ROOM));
    map.setView(bounds.getCenter(), Math.min(Math.max(Math.floor(fits), zoom + 1), map.getMaxZoom()), { animate });
  }
}

/** Look into a cell, and into the one cell in it that holds everything, until there are several marks. Null when it was
 *  emptied meanwhile. */
async function partingOf(assets: AssetLayer, cell: CellName): Promise<Parting | null> {
  for (let inner = cell; inner.level < SPOT_LEVEL;) {
    const content = await assets.inside(inner);
    const { pins, clusters } = content;
    const [only] = clusters;
    if (pins.length + clusters.length > 1 || !only) {
      const places = [...pins, ...clusters].map((place) => lonLatIn(inner, place));
      return places.length ? { parts: places } : null;
    }
    if (only.stack) return { spot: cellAt(lonLatIn(inner, only), SPOT_LEVEL) };
    const next = cellUnder(inner, content, only);
    if (next.level === inner.level) return { parts: corners(inner) }; // a crowd all over it, drawn as one mark
    inner = next;
  }
  return null;
}

function corners(cell: CellName): LonLat[] {
  const [west, south, east, north] = boxOfCell(cell);
  return [[west, south], [east, north]];
}

function showSpot(map: LeafletMap, box: Box, animate: boolean): void {
  const [west, south, east, north] = box;
  if (map.getZoom() < SPOT_ZOOM) map.setView([(south + north) / 2, (west + east) / 2], SPOT_ZOOM, { animate });
  const bbox = box.map((value) => Number(value.toFixed(6))) as Box;
  const filters = { ...readFilters(route.query), bbox, here: false };
  go(keepQuery("/", writeFilters(filters, route.query)));
}
