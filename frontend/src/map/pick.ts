/** Choosing where: one point, or the corners of a line or area. By click, by drag, or with the cross-hair and Enter. */

import {
  divIcon, type LatLng, type LeafletMouseEvent, type Map as LeafletMap, LayerGroup, type LeafletEvent, marker,
  polygon, polyline, rectangle,
} from "leaflet";
import type { Geometry, LonLat } from "../api/types";
import { cellOf, round } from "./cells";
import { type Drawing, shapeOf } from "./sketch";

export interface PickOptions {
  drawing: Drawing;
  /** Only the cell is kept: the exact point never leaves this class. */
  approximate: boolean;
  onChange: (geometry: Geometry | null) => void;
}

export class Picker {
  private corners: LonLat[] = [];
  private readonly layer = new LayerGroup();

  constructor(
    private readonly map: LeafletMap,
    private readonly options: PickOptions,
  ) {
    this.layer.addTo(map);
    map.on("click", this.clicked);
    map.getContainer().dataset.picking = "";
  }

  /** Add a corner, or move the one point there is. */
  add(point: LonLat): void {
    const kept = this.options.approximate ? cellOf(point).centre : round(point);
    this.corners = this.options.drawing === "Point" ? [kept] : [...this.corners, kept];
    this.changed();
  }

  /** Take back the last corner. */
  undo(): void {
    this.corners = this.corners.slice(0, -1);
    this.changed();
  }

  /** Start from a geometry that is there already. Shapes of several parts are shown, not drawn anew. */
  start(geometry: Geometry | null): void {
    if (geometry?.type === "Point") this.corners = [geometry.coordinates];
    else if (geometry?.type === "LineString") this.corners = geometry.coordinates;
    else if (geometry?.type === "Polygon") this.corners = geometry.coordinates[0]?.slice(0, -1) ?? [];
    else this.corners = [];
    this.draw();
  }

  stop(): void {
    this.layer.remove();
    this.map.off("click", this.clicked);
    delete this.map.getContainer().dataset.picking;
  }

  private readonly clicked = (event: LeafletMouseEvent): void => this.add(lonLat(event.latlng));

  private changed(): void {
    this.draw();
    this.options.onChange(shapeOf(this.options.drawing, this.corners));
  }

  private draw(): void {
    this.layer.clearLayers();
    const places = this.corners.map(([lon, lat]): [number, number] => [lat, lon]);
    const style = { className: "sketch", interactive: false, pane: "spots" };
    if (this.options.approximate && this.corners[0]) {
      const [west, south, east, north] = cellOf(this.corners[0]).box;
      this.layer.addLayer(rectangle([[south, west], [north, east]], style));
      return;
    }
    const line = { ...style, className: "sketch sketch--line" };
    if (this.options.drawing === "LineString") this.layer.addLayer(polyline(places, line));
    if (this.options.drawing === "Polygon") this.layer.addLayer(polygon(places, style));
    places.forEach((_, at) => this.layer.addLayer(this.handle(at)));
  }

  private handle(at: number) {
    const [lon, lat] = this.corners[at] ?? [0, 0];
    const single = this.options.drawing === "Point";
    const icon = single
      ? divIcon({ className: "pick-pin", iconSize: [40, 46], iconAnchor: [20, 44] })
      : divIcon({ className: "pick-corner", iconSize: [18, 18] });
    const corner = marker([lat, lon], { icon, draggable: true, keyboard: false, pane: "spots" });
    corner.on("dragend", (event: LeafletEvent) => {
      const moved = round(lonLat((event.target as { getLatLng: () => LatLng }).getLatLng()));
      this.corners = this.corners.map((old, index) => (index === at ? moved : old));
      this.changed();
    });
    return corner;
  }
}

export const lonLat = (place: LatLng): LonLat => [place.lng, place.lat];
