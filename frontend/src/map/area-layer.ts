/** The wards: the ground of the map, and a choropleth when the desk asks for one. */

import { divIcon, type GeoJSON, geoJSON, type LatLngBounds, LayerGroup, marker, type Path, svg } from "leaflet";
import type { Feature, GeoJsonObject } from "geojson";
import { get } from "../api/client";
import type { Area, AreaShapes, LonLat } from "../api/types";
import { covers } from "./cells";
import { steps } from "./shades";

export class AreaLayer extends LayerGroup {
  private shapes: AreaShapes["features"] = [];
  private outlines: GeoJSON | null = null;
  private readonly names = new LayerGroup();
  private readonly paths = new Map<string, SVGElement>();

  /** Fetch and draw the wards. Without any the map stays an empty ground. */
  async load(): Promise<void> {
    this.shapes = (await get<AreaShapes>("/areas.geojson", { level: "ward" })).features;
    const collection = { type: "FeatureCollection", features: this.shapes } as GeoJsonObject;
    this.outlines = geoJSON(collection, {
      pane: "areas",
      interactive: false,
      style: { renderer: svg({ pane: "areas", padding: 0.5 }), className: "ward" } as object,
      onEachFeature: (feature: Feature, layer: Path) =>
        layer.on("add", () => this.keepPath((feature.properties as Area).code, layer)),
    } as object);
    this.addLayer(this.outlines);
    this.addLayer(this.names);
  }

  /** Write the names of the wards in sight; null writes none. */
  writeNames(sight: LatLngBounds | null): void {
    this.names.clearLayers();
    if (!sight) return;
    for (const { properties } of this.shapes) {
      const [lon, lat] = properties.centre;
      if (sight.contains([lat, lon])) this.names.addLayer(nameAt(properties));
    }
  }

  /** The ward that covers the point. */
  at(point: LonLat): Area | null {
    return this.shapes.find((shape) => covers(shape.geometry, point))?.properties ?? null;
  }

  /** The ward of that code. */
  named(code: string): Area | null {
    return this.shapes.find((shape) => shape.properties.code === code)?.properties ?? null;
  }

  /** True when there are wards to stand on. */
  get known(): boolean {
    return this.shapes.length > 0;
  }

  /** Shade the wards by these values; a ward without one is hatched, null removes all shades. */
  shade(values: Map<string, number> | null): void {
    const scale = steps([...(values?.values() ?? [])]);
    for (const [code, path] of this.paths) {
      const value = values?.get(code);
      path.removeAttribute("data-shade");
      if (values) path.setAttribute("data-shade", value === undefined ? "none" : String(scale(value)));
    }
  }

  /** Mark wards that stand out: those filtered for, or one row of a table. */
  outline(codes: string[]): void {
    for (const [code, path] of this.paths) path.toggleAttribute("data-outlined", codes.includes(code));
  }

  private keepPath(code: string, layer: Path): void {
    const path = layer.getElement();
    if (path instanceof SVGElement) this.paths.set(code, path);
  }
}

function nameAt(area: Area) {
  const name = document.createElement("span");
  name.textContent = area.name;
  const icon = divIcon({ html: name, className: "ward-name", iconSize: [0, 0] });
  const [lon, lat] = area.centre;
  return marker([lat, lon], { icon, interactive: false, keyboard: false, pane: "names" });
}
