/** The assets on the map: vector tiles of 512 px drawn on canvas, kept fresh while the page is looked at. */

import type { Coords, LatLng, Map as LeafletMap, Point } from "leaflet";
import { events, world } from "../state";
import { CanvasLayer, type Tile } from "./canvas-layer";
import { type CellName, TILE } from "./cells";
import { drawTile, MARGIN, outline, radiusOf } from "./draw";
import { cellUnder, type Cluster, EMPTY, type Pin, readTile, type Tally, tallyOf, type TileContent } from "./tile";

/** Something under the pointer. Coordinates are those of its mark. */
export type Hit =
  | { type: "pin"; pin: Pin; at: LatLng }
  | { type: "cluster"; cluster: Cluster; at: LatLng; cell: CellName }
  | { type: "shape"; uid: string; kind: string; at: LatLng };

/** New pins of others show within five seconds: this, a second that the service keeps a tile, and the way. */
const REFRESH_MS = 3000;

export class AssetLayer extends CanvasLayer<TileContent> {
  private query = "";
  private timer = 0;
  private readonly brush = document.createElement("canvas").getContext("2d");

  constructor() {
    super({ pane: "assets" });
  }

  override onAdd(map: LeafletMap): this {
    super.onAdd(map);
    this.timer = window.setInterval(this.tick, REFRESH_MS);
    document.addEventListener("visibilitychange", this.tick);
    // Numbers are drawn, so they need the font to be there before they can wear it.
    void document.fonts.load('680 14px "Atkinson Hyperlegible Next Variable"').then(() => this.repaint());
    return this;
  }

  override onRemove(map: LeafletMap): this {
    window.clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.tick);
    return super.onRemove(map);
  }

  /** Show what these filters let through. */
  setQuery(query: Record<string, string>): void {
    const text = new URLSearchParams(query).toString();
    if (text === this.query) return;
    this.query = text;
    void Promise.all([...this.shown.values()].map((tile) => this.fill(tile))).then(() => this.fire("settled"));
  }

  /** Ask again at once for the tiles in sight. True when one of them had changed. */
  async refresh(cache: RequestCache = "default"): Promise<boolean> {
    const idle = this.inSight().filter(({ asking }) => !asking || cache === "reload");
    const changes = await Promise.all(idle.map((tile) => this.fill(tile, cache)));
    return changes.includes(true);
  }

  /** The mark nearest to a point of the world (pixels at the map's zoom), within reach; pins win over shapes. */
  hit(point: Point, reach: number): Hit | null {
    let best: { hit: Hit; distance: number } | null = null;
    for (const { tile, content, x, y } of this.around(point, MARGIN)) {
      for (const pin of content.pins) {
        const distance = Math.hypot(pin.x - x, pin.y - y);
        if (distance <= reach / this.scale && (!best || distance < best.distance))
          best = { hit: { type: "pin", pin, at: this.latLng(tile, pin) }, distance };
      }
      for (const cluster of content.clusters) {
        const distance = Math.max(Math.hypot(cluster.x - x, cluster.y - y) - radiusOf(cluster) / this.scale, 0);
        if (distance <= reach / this.scale / 3 && (!best || distance < best.distance))
          best = { hit: this.clusterHit(tile, content, cluster), distance };
      }
    }
    return best?.hit ?? this.shapeAt(point);
  }

  /** What is in sight, counted; null while tiles are on their way, or still those of other filters. */
  tally(): Tally | null {
    const tiles = this.inSight().map((tile) => ({ coords: tile.coords, content: this.holds(tile) }));
    if (!tiles.length || tiles.some(({ content }) => !content)) return null;
    const { min, max } = this._map.getPixelBounds();
    if (!min || !max) return null;
    const side = (coordinate: number, edge: number): number => edge / this.scale - coordinate * TILE;
    return tallyOf(
      tiles.flatMap(({ content, coords: { x, y } }) =>
        content
          ? [{ content, left: side(x, min.x), top: side(y, min.y), right: side(x, max.x), bottom: side(y, max.y) }]
          : [],
      ),
    );
  }

  /** What a cell holds, under the filters of now. Rejects when the service does not answer. */
  async inside(cell: CellName): Promise<TileContent> {
    const response = await fetch(this.addressOf(cell));
    if (!response.ok) throw new Error(`A tile was answered with ${response.status}.`);
    return response.status === 204 ? EMPTY : this.read(await response.arrayBuffer());
  }

  protected override address(coords: Coords): string {
    return this.addressOf(nameOf(coords));
  }

  private addressOf({ level, x, y }: CellName): string {
    return `/tiles/${level}/${x}/${y}.mvt${this.query ? `?${this.query}` : ""}`;
  }

  private clusterHit(tile: Tile<TileContent>, content: TileContent, cluster: Cluster): Hit {
    const cell = cellUnder(nameOf(tile.coords), content, cluster);
    return { type: "cluster", cluster, at: this.latLng(tile, cluster), cell };
  }

  protected override read(bytes: ArrayBuffer): TileContent {
    return readTile(bytes, kindNames());
  }

  protected override paint(canvas: HTMLCanvasElement, content: TileContent): boolean {
    if (!content.pins.length && !content.clusters.length && !content.shapes.length) return false;
    canvas.className = "marks";
    drawTile(canvas, content, this.scale);
    return true;
  }

  private readonly tick = (): void => {
    if (document.visibilityState !== "visible" || !this.shown.size) return;
    const missed = !this.tally();
    void this.refresh().then((changed) => {
      if (changed) events.tell("news", undefined);
      if (changed || (missed && this.tally())) this.fire("settled");
    });
  };

  private shapeAt(point: Point): Hit | null {
    if (!this.brush) return null;
    this.brush.lineWidth = 14;
    for (const { tile, content, x, y } of this.around(point))
      for (const shape of content.shapes) {
        const path = outline(shape);
        if (this.brush.isPointInStroke(path, x, y) || (shape.closed && this.brush.isPointInPath(path, x, y)))
          return { type: "shape", uid: shape.uid, kind: shape.kind, at: this.latLng(tile, { x, y }) };
      }
    return null;
  }
}

/** A map zoom counts tiles of 256 px; tiles of 512 px of the same scale are one level up. */
const nameOf = ({ x, y, z }: Coords): CellName => ({ level: z - 1, x, y });

const kindNames = (): string[] => world.kinds.map((kind) => kind.name);
