/** The assets on the map: vector tiles of 512 px drawn on canvas, kept fresh while the page is looked at. */

import { type Coords, GridLayer, type LatLng, type Map as LeafletMap, type Point } from "leaflet";
import { events, world } from "../state";
import { drawTile, MARGIN, outline, radiusOf } from "./draw";
import { EMPTY, type Cluster, type Pin, readTile, TILE, type TileContent } from "./tile";

/** Something under the pointer. Coordinates are those of its mark. */
export type Hit =
  | { type: "pin"; pin: Pin; at: LatLng }
  | { type: "cluster"; cluster: Cluster; at: LatLng }
  | { type: "shape"; uid: string; kind: string; at: LatLng };

interface Tile {
  coords: Coords;
  element: HTMLElement;
  content: TileContent;
  etag: string | null;
  asking: AbortController | null;
}

/** New pins of others show within this time. */
const REFRESH_MS = 5000;

export class AssetLayer extends GridLayer {
  private readonly tiles = new Map<string, Tile>();
  private query = "";
  private timer = 0;
  /** How much larger than drawn the tiles of the present zoom are shown. */
  private scale = 1;

  constructor() {
    super({ tileSize: TILE, minZoom: 1, noWrap: true, pane: "assets", updateWhenIdle: false, keepBuffer: 1 });
    this.on("tileunload", (event) => this.drop(this.name(event.coords)));
  }

  override onAdd(map: LeafletMap): this {
    super.onAdd(map);
    this.rescale();
    this.timer = window.setInterval(() => this.tick(), REFRESH_MS);
    document.addEventListener("visibilitychange", this.tick);
    map.on("zoomend", this.rescale);
    events.on("scheme", () => this.repaint());
    // Numbers are drawn, so they need the font to be there before they can wear it.
    void document.fonts.load('680 14px "Atkinson Hyperlegible Next Variable"').then(() => this.repaint());
    return this;
  }

  override onRemove(map: LeafletMap): this {
    window.clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.tick);
    map.off("zoomend", this.rescale);
    return super.onRemove(map);
  }

  /** Show what these filters let through. */
  setQuery(query: Record<string, string>): void {
    const text = new URLSearchParams(query).toString();
    if (text === this.query) return;
    this.query = text;
    for (const tile of this.tiles.values()) void this.fill(tile);
  }

  /** Ask for the tiles again at once. True when one of them had changed. */
  async refresh(cache: RequestCache = "default"): Promise<boolean> {
    const changes = await Promise.all([...this.tiles.values()].map((tile) => this.fill(tile, cache)));
    return changes.includes(true);
  }

  /** The mark nearest to a point of the world (pixels at the map's zoom), within reach; pins win over shapes. */
  hit(point: Point, reach: number): Hit | null {
    let best: { hit: Hit; distance: number } | null = null;
    for (const { tile, x, y } of this.tilesAround(point)) {
      for (const pin of tile.content.pins) {
        const distance = Math.hypot(pin.x - x, pin.y - y);
        if (distance <= reach / this.scale && (!best || distance < best.distance))
          best = { hit: { type: "pin", pin, at: this.latLng(tile, pin) }, distance };
      }
      for (const cluster of tile.content.clusters) {
        const distance = Math.max(Math.hypot(cluster.x - x, cluster.y - y) - radiusOf(cluster) / this.scale, 0);
        if (distance <= reach / this.scale / 3 && (!best || distance < best.distance))
          best = { hit: { type: "cluster", cluster, at: this.latLng(tile, cluster) }, distance };
      }
    }
    return best?.hit ?? this.shapeAt(point);
  }

  /** How many assets the tiles in sight hold; for readers who cannot see them. */
  count(): number {
    let sum = 0;
    for (const { content } of this.tiles.values())
      sum += content.pins.length + content.clusters.reduce((total, cluster) => total + cluster.count, 0);
    return sum;
  }

  protected override createTile(coords: Coords, done: (error?: Error, tile?: HTMLElement) => void): HTMLElement {
    const element = document.createElement("div");
    const tile: Tile = { coords, element, content: EMPTY, etag: null, asking: null };
    this.tiles.set(this.name(coords), tile);
    void this.fill(tile).then(() => done(undefined, element));
    return element;
  }

  private readonly tick = (): void => {
    if (document.visibilityState !== "visible" || !this.tiles.size) return;
    void this.refresh().then((changed) => changed && events.tell("news", undefined));
  };

  /** Fetch a tile and draw it if it is not what is drawn already. A failure leaves what was there. */
  private async fill(tile: Tile, cache: RequestCache = "default"): Promise<boolean> {
    tile.asking?.abort();
    const asking = (tile.asking = new AbortController());
    try {
      const response = await fetch(this.address(tile.coords), { signal: asking.signal, cache });
      if (!response.ok) return false;
      const etag = response.headers.get("ETag") ?? (response.status === 204 ? "empty" : null);
      if (etag && etag === tile.etag) return false;
      const content = response.status === 204 ? EMPTY : readTile(await response.arrayBuffer(), kindNames());
      if (asking.signal.aborted) return false;
      const first = tile.etag === null;
      Object.assign(tile, { etag, content });
      this.paint(tile);
      return !first;
    } catch {
      return false; // offline or overtaken: the next round asks again
    }
  }

  private paint(tile: Tile): void {
    const { content, element } = tile;
    const empty = !content.pins.length && !content.clusters.length && !content.shapes.length;
    if (empty) { element.replaceChildren(); return; }
    const canvas = element.querySelector("canvas") ?? document.createElement("canvas");
    canvas.className = "marks";
    drawTile(canvas, content, this.scale);
    if (!canvas.isConnected) element.replaceChildren(canvas);
  }

  private repaint(): void {
    for (const tile of this.tiles.values()) this.paint(tile);
  }

  /** Between two whole zooms tiles are stretched; what is drawn on them is not. */
  private readonly rescale = (): void => {
    const zoom = this._map.getZoom();
    const scale = this._map.getZoomScale(zoom, Math.round(zoom));
    if (scale === this.scale) return;
    this.scale = scale;
    this.repaint();
  };

  private drop(name: string): void {
    this.tiles.get(name)?.asking?.abort();
    this.tiles.delete(name);
  }

  private shapeAt(point: Point): Hit | null {
    const brush = document.createElement("canvas").getContext("2d");
    if (!brush) return null;
    brush.lineWidth = 14;
    for (const { tile, x, y } of this.tilesAround(point)) {
      if (x < 0 || y < 0 || x >= TILE || y >= TILE) continue;
      for (const shape of tile.content.shapes) {
        const path = outline(shape);
        if (brush.isPointInStroke(path, x, y) || (shape.closed && brush.isPointInPath(path, x, y)))
          return { type: "shape", uid: shape.uid, kind: shape.kind, at: this.latLng(tile, { x, y }) };
      }
    }
    return null;
  }

  /** The tiles of the present zoom whose marks may reach the point, and the point within each. */
  private *tilesAround(point: Point): Generator<{ tile: Tile; x: number; y: number }> {
    for (const tile of this.tiles.values()) {
      if (tile.coords.z !== Math.round(this._map.getZoom())) continue;
      const x = point.x / this.scale - tile.coords.x * TILE;
      const y = point.y / this.scale - tile.coords.y * TILE;
      if (Math.min(x, y) >= -MARGIN && Math.max(x, y) <= TILE + MARGIN) yield { tile, x, y };
    }
  }

  private latLng(tile: Tile, place: { x: number; y: number }): LatLng {
    return this._map.unproject([tile.coords.x * TILE + place.x, tile.coords.y * TILE + place.y], tile.coords.z);
  }

  /** A map zoom counts tiles of 256 px; tiles of 512 px of the same scale are one level up. */
  private address({ x, y, z }: Coords): string {
    return `/tiles/${z - 1}/${x}/${y}.mvt${this.query ? `?${this.query}` : ""}`;
  }

  private readonly name = ({ x, y, z }: Coords): string => `${z}/${x}/${y}`;
}

const kindNames = (): string[] => world.kinds.map((kind) => kind.name);

