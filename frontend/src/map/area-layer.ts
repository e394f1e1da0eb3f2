/** The areas: the ground of the map, and a choropleth when the desk asks for one. Only what is in sight is fetched. */

import { type Coords, divIcon, type LatLng, LayerGroup, type Map as LeafletMap, marker, type Point } from "leaflet";
import type { LonLat } from "../api/types";
import { drawAreas, type Look, OVERLAP } from "./area-draw";
import { areaAt, type AreaTile, type Place, readAreas } from "./area-tile";
import { CanvasLayer } from "./canvas-layer";
import { cellAt, pixelIn } from "./cells";
import { steps } from "./shades";

const LEVEL = "ward";
/** Zoom of the tile that is asked which area covers a point: its corners lie within about 5 m of the truth. */
const EXACT_ZOOM = 12;
/** Names are written from this zoom of the map on; from afar they would stand on each other. */
const NAMES_FROM = 14;

export class AreaLayer extends CanvasLayer<AreaTile> {
  private readonly names = new LayerGroup();
  private readonly look: Look;
  private written = "";

  constructor(private readonly writes: boolean) {
    super({ pane: "areas" });
    this.look = { steps: null, outlined: new Set(), ground: !writes };
  }

  override onAdd(map: LeafletMap): this {
    super.onAdd(map);
    this.names.addTo(map);
    map.on("moveend", this.writeNames);
    this.on("load", this.writeNames);
    return this;
  }

  /** The area in sight that covers a point of the world (pixels at the map's zoom), as exactly as it is drawn. */
  at(point: Point): Place | null {
    for (const { content, x, y } of this.around(point)) {
      const found = areaAt(content, x, y);
      if (found) return found;
    }
    return null;
  }

  /** The area that covers the place, wherever the map stands; null outside of all. Rejects when nothing answers. */
  async covering(place: LonLat): Promise<Place | null> {
    const tile = cellAt(place, EXACT_ZOOM);
    const response = await fetch(addressOf(EXACT_ZOOM, tile.x, tile.y));
    if (!response.ok) throw new Error(`Outlines were answered with ${response.status}.`);
    const { x, y } = pixelIn(tile, place);
    return response.status === 204 ? null : areaAt(readAreas(await response.arrayBuffer()), x, y);
  }

  /** Shade the areas by these values; an area without one is hatched, null removes all shades. */
  shade(values: Map<string, number> | null): void {
    const scale = steps([...(values?.values() ?? [])]);
    this.look.steps = values && new Map([...values].map(([code, value]) => [code, scale(value)]));
    this.repaint();
  }

  /** Mark areas that stand out: those filtered for, or one row of a table. */
  outline(codes: string[]): void {
    const now = new Set(codes);
    const before = this.look.outlined;
    if (now.size === before.size && [...now].every((code) => before.has(code))) return;
    this.look.outlined = now;
    this.repaint(({ outlines }) => outlines.some(({ code }) => now.has(code) || before.has(code)));
  }

  protected override address({ x, y, z }: Coords): string {
    return addressOf(z - 1, x, y);
  }

  protected override read(bytes: ArrayBuffer): AreaTile {
    return readAreas(bytes);
  }

  protected override paint(canvas: HTMLCanvasElement, content: AreaTile, { z }: Coords): boolean {
    if (!content.outlines.length) return false;
    canvas.className = "land";
    canvas.style.inset = `${-OVERLAP}px`;
    drawAreas(canvas, content, z - 1, this.scale, this.look);
    return true;
  }

  /** Write the names of the areas in sight. A raster ground brings names of its own. */
  private readonly writeNames = (): void => {
    const found = new Map<string, [name: string, at: LatLng]>();
    if (this.writes && this._map.getZoom() >= NAMES_FROM)
      for (const tile of this.inSight())
        for (const name of tile.content?.names ?? []) found.set(name.code, [name.name, this.latLng(tile, name)]);
    const text = [...found.keys()].join();
    if (text === this.written) return;
    this.written = text;
    this.names.clearLayers();
    for (const [name, at] of found.values()) this.names.addLayer(nameAt(name, at));
  };
}

const addressOf = (z: number, x: number, y: number): string => `/tiles/areas/${LEVEL}/${z}/${x}/${y}.mvt`;

function nameAt(words: string, at: LatLng) {
  const name = document.createElement("span");
  name.textContent = words;
  const icon = divIcon({ html: name, className: "ward-name", iconSize: [0, 0] });
  return marker(at, { icon, interactive: false, keyboard: false, pane: "names" });
}
