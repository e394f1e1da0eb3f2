/** What stands above the tiles: the selected asset, and the one whose row is under the pointer. */

import { divIcon, type GeoJSON, geoJSON, type Map as LeafletMap, type Marker, marker } from "leaflet";
import type { GeoJsonObject } from "geojson";
import { render } from "lit-html";
import type { Asset } from "../api/types";
import { bigMark } from "../parts/mark";

/** One mark on the map that follows an asset; also shows one's own asset that the public tiles do not hold. */
export class Spotlight {
  private marker: Marker | null = null;
  private outline: GeoJSON | null = null;

  constructor(
    private readonly map: LeafletMap,
    private readonly className: string,
  ) {}

  /** Show the asset, or nothing. */
  show(asset: Asset | null): void {
    this.marker?.remove();
    this.outline?.remove();
    this.marker = this.outline = null;
    if (!asset) return;
    if (asset.geometry && asset.geometry.type !== "Point") {
      const style = { className: `spot-outline ${this.className}`, interactive: false };
      this.outline = geoJSON(asset.geometry as GeoJsonObject, { style, pane: "spots" } as object).addTo(this.map);
    }
    const anchor = asset.properties.anchor;
    if (!anchor) return;
    const icon = divIcon({ html: pinFor(asset), className: `spot ${this.className}`, iconSize: [48, 48] });
    const options = { icon, interactive: false, keyboard: false, pane: "spots", zIndexOffset: 1000 };
    this.marker = marker([anchor[1], anchor[0]], options).addTo(this.map);
  }
}

function pinFor(asset: Asset): HTMLElement {
  const box = document.createElement("span");
  render(bigMark(asset.properties.kind), box);
  return box;
}
