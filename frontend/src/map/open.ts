/** Opening what is on the map: an asset's page, a cluster's inside, or the list of what stands on one spot. */

import type { Map as LeafletMap } from "leaflet";
import { get } from "../api/client";
import type { AssetList, Box } from "../api/types";
import { go, keepQuery, route } from "../router";
import { readFilters, tileQuery, writeFilters } from "../state";
import type { Hit } from "./asset-layer";

/** Pixels around a cluster's mean within which its members count as standing on one spot. */
const SPOT = 3;

/** Open it. A cluster comes apart by zooming in, unless its members stand on one spot or the map is at its end. */
export async function openHit(map: LeafletMap, hit: Hit): Promise<void> {
  if (hit.type === "pin") { go(keepQuery(`/assets/${hit.pin.uid}`)); return; }
  if (hit.type === "shape") { go(keepQuery(`/assets/${hit.uid}`)); return; }
  const atEnd = map.getZoom() >= map.getMaxZoom();
  const spot = around(map, hit, atEnd ? 24 : SPOT);
  if (atEnd || (await holds(spot, hit.cluster.count))) { showSpot(spot); return; }
  map.setView(hit.at, Math.min(map.getZoom() + 2, map.getMaxZoom()));
}

function showSpot(box: Box): void {
  const filters = { ...readFilters(route.query), bbox: box, here: false };
  go(keepQuery("/", writeFilters(filters, route.query)));
}

/** True when everything in the cluster is within that box. Not asked from afar, where the answer is no. */
async function holds(box: Box, count: number): Promise<boolean> {
  if (box[2] - box[0] > 0.001) return false;
  const query = { ...tileQuery(readFilters(route.query)), bbox: box.join(","), limit: "1", count: "exact" };
  const found = await get<AssetList>("/assets", query).catch(() => null);
  return (found?.numberMatched ?? 0) >= count;
}

function around(map: LeafletMap, hit: Hit, pixels: number): Box {
  const middle = map.project(hit.at);
  const southWest = map.unproject(middle.add([-pixels, pixels]));
  const northEast = map.unproject(middle.add([pixels, -pixels]));
  const values: Box = [southWest.lng, southWest.lat, northEast.lng, northEast.lat];
  return values.map((value) => Number(value.toFixed(6))) as Box;
}
