/** Where the rows of a file would land, before anything is written: a mark each, by what would become of it. */

import { type LatLng, latLng, Layer, type Map as LeafletMap, type Point } from "leaflet";
import { html, render } from "lit-html";
import type { LonLat } from "../api/types";
import { label } from "../i18n";
import { lookOf } from "../parts/outcomes";
import { BOX, shapePath } from "../parts/shapes";
import { token } from "../parts/tones";

/** A point with what becomes of it. */
export interface Landed {
  at: LonLat;
  is: string;
  title: string;
}

/** Pixels of a mark's side. */
const SIDE = 15;

export class OutcomeLayer extends Layer {
  private readonly canvas = document.createElement("canvas");

  constructor(private readonly points: Landed[]) {
    super();
  }

  override onAdd(map: LeafletMap): this {
    this.canvas.className = "outcomes";
    map.getPane("spots")?.append(this.canvas);
    map.on("moveend resize", this.draw);
    map.on("zoomstart", this.clear);
    this.draw();
    return this;
  }

  override onRemove(map: LeafletMap): this {
    map.off("moveend resize", this.draw);
    map.off("zoomstart", this.clear);
    this.canvas.remove();
    return this;
  }

  /** The row whose mark lies under a point of the map's box. */
  told({ x, y }: Point): { at: LatLng; card: () => HTMLElement } | null {
    const under = this.points.findLast(({ at: [lon, lat] }) => {
      const place = this._map.latLngToContainerPoint([lat, lon]);
      return Math.abs(place.x - x) <= SIDE / 2 && Math.abs(place.y - y) <= SIDE / 2;
    });
    return under ? { at: latLng(under.at[1], under.at[0]), card: () => cardOf(under) } : null;
  }

  private readonly clear = (): void => {
    this.canvas.width = 0;
  };

  private readonly draw = (): void => {
    const { x: width, y: height } = this._map.getSize();
    const density = Math.min(devicePixelRatio || 1, 2);
    const corner = this._map.containerPointToLayerPoint([0, 0]);
    this.canvas.width = width * density;
    this.canvas.height = height * density;
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${corner.x}px, ${corner.y}px)` });
    const brush = this.canvas.getContext("2d");
    if (!brush) return;
    const paths = new Map<string, Path2D>();
    for (const { at: [lon, lat], is } of this.points) {
      const { x, y } = this._map.latLngToContainerPoint([lat, lon]);
      if (x < -SIDE || y < -SIDE || x > width + SIDE || y > height + SIDE) continue;
      const { shape, tone } = lookOf(is);
      const path = paths.get(shape) ?? new Path2D(shapePath(shape));
      paths.set(shape, path);
      const scale = (SIDE / BOX) * density;
      brush.setTransform(scale, 0, 0, scale, (x - SIDE / 2) * density, (y - SIDE / 2) * density);
      brush.fillStyle = token(tone);
      brush.strokeStyle = token("--ink");
      brush.lineWidth = 2;
      brush.fill(path);
      brush.stroke(path);
    }
  };
}

function cardOf({ title, is }: Landed): HTMLElement {
  const box = document.createElement("div");
  box.className = "map-card";
  render(html`<strong>${title}</strong><span>${label("outcome", is)}</span>`, box);
  return box;
}
