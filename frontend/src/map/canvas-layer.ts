/** Vector tiles of 512 px drawn on canvas: what the layers of the map have in common. */

import { type Coords, GridLayer, type GridLayerOptions, type LatLng, type Map as LeafletMap, type Point } from "leaflet";
import { events } from "../state";
import { TILE } from "./cells";

/** A tile that is on the map, or on its way there. `content` is null until something came. */
export interface Tile<C> {
  coords: Coords;
  element: HTMLElement;
  content: C | null;
  /** The address that the content came from. */
  source: string | null;
  etag: string | null;
  asking: AbortController | null;
  loaded: boolean;
}

/** Milliseconds of a frame that all layers together may spend on reading and drawing; the rest waits for the next. */
const WORKING_MS = 6;
const turns: (() => void)[] = [];
let due = false;

/** Have this done in its turn, in a frame that can spare the time. */
function inTurn<T>(work: () => T): Promise<T> {
  if (!due) requestAnimationFrame(takeTurns);
  due = true;
  return new Promise((take, refuse) => {
    turns.push(() => {
      try {
        take(work());
      } catch (error) {
        refuse(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}

function takeTurns(): void {
  const until = performance.now() + WORKING_MS;
  do turns.shift()?.();
  while (turns.length && performance.now() < until);
  due = turns.length > 0;
  if (due) requestAnimationFrame(takeTurns);
}

export abstract class CanvasLayer<C> extends GridLayer {
  protected readonly shown = new Map<string, Tile<C>>();
  /** How much larger than drawn the tiles of the present zoom are shown. */
  protected scale = 1;
  private readonly waiting = new Set<() => void>();
  private readonly stale = new Set<Tile<C>>();
  private silence: (() => void) | null = null;

  constructor(options: GridLayerOptions) {
    super({ tileSize: TILE, minZoom: 1, noWrap: true, updateWhenIdle: false, updateWhenZooming: false, keepBuffer: 1, ...options });
    this.on("tileunload", (event) => this.drop(nameOf(event.coords)));
  }

  /** Where the tile's bytes are. */
  protected abstract address(coords: Coords): string;
  /** What the bytes say; throws where they are no vector tile. */
  protected abstract read(bytes: ArrayBuffer): C;
  /** Draw on the canvas; false when there is nothing to draw. */
  protected abstract paint(canvas: HTMLCanvasElement, content: C, coords: Coords): boolean;

  override onAdd(map: LeafletMap): this {
    super.onAdd(map);
    this.rescale();
    map.on("zoomend", this.rescale);
    map.on("moveend", this.catchUp);
    this.silence = events.on("scheme", () => this.repaint());
    return this;
  }

  override onRemove(map: LeafletMap): this {
    map.off("zoomend", this.rescale);
    map.off("moveend", this.catchUp);
    this.silence?.();
    this.stale.clear();
    this.waiting.clear();
    return super.onRemove(map);
  }

  protected override createTile(coords: Coords, done: (error?: Error, tile?: HTMLElement) => void): HTMLElement {
    const element = document.createElement("div");
    const tile: Tile<C> = { coords, element, content: null, source: null, etag: null, asking: null, loaded: false };
    this.shown.set(nameOf(coords), tile);
    void this.fill(tile).then(() => {
      tile.loaded = true;
      // A tile counts as there when it is drawn: until then its forerunner of another zoom stays.
      this.afterDrawing(() => this.shown.get(nameOf(coords)) === tile && done(undefined, element));
    });
    return element;
  }

  /** Fetch a tile, and have it drawn if it is not what is drawn already: true when its address had something else
   *  before. A failure leaves what was there. */
  protected async fill(tile: Tile<C>, cache: RequestCache = "default"): Promise<boolean> {
    tile.asking?.abort();
    const asking = (tile.asking = new AbortController());
    try {
      const source = this.address(tile.coords);
      const response = await fetch(source, { signal: asking.signal, cache });
      if (!response.ok) return false;
      const etag = response.headers.get("ETag") ?? (response.status === 204 ? "empty" : null);
      const known = tile.source === source;
      if (known && etag && etag === tile.etag) return false;
      const bytes = response.status === 204 ? new ArrayBuffer(0) : await response.arrayBuffer();
      const content = await inTurn(() => {
        asking.signal.throwIfAborted();
        return this.read(bytes);
      });
      Object.assign(tile, { etag, content, source });
      this.enqueue(tile);
      return known && !!etag;
    } catch {
      return false; // offline or overtaken: the next round asks again
    } finally {
      if (tile.asking === asking) tile.asking = null;
    }
  }

  /** Tiles of the present zoom that are in sight. */
  protected inSight(): Tile<C>[] {
    const zoom = Math.round(this._map.getZoom());
    const { min, max } = this._map.getPixelBounds();
    if (!min || !max) return [];
    const side = TILE * this.scale;
    return [...this.shown.values()].filter(
      ({ coords: { x, y, z } }) =>
        z === zoom && (x + 1) * side > min.x && x * side < max.x && (y + 1) * side > min.y && y * side < max.y,
    );
  }

  /** What the tile holds, if that is what is asked for now and not the answer to an earlier question. */
  protected holds({ content, coords, source }: Tile<C>): C | null {
    return source === this.address(coords) ? content : null;
  }

  /** Tiles of the present zoom around a point of the world (pixels at the map's zoom), and the point within each. */
  protected *around(point: Point, margin = 0): Generator<{ tile: Tile<C>; content: C; x: number; y: number }> {
    for (const tile of this.shown.values()) {
      if (tile.coords.z !== Math.round(this._map.getZoom())) continue;
      const x = point.x / this.scale - tile.coords.x * TILE;
      const y = point.y / this.scale - tile.coords.y * TILE;
      if (Math.min(x, y) < -margin || Math.max(x, y) >= TILE + margin) continue;
      const content = this.holds(tile);
      if (content) yield { tile, content, x, y };
    }
  }

  /** Where on earth a pixel of a tile is. */
  protected latLng({ coords: { x, y, z } }: Tile<C>, place: { x: number; y: number }): LatLng {
    return this._map.unproject([x * TILE + place.x, y * TILE + place.y], z);
  }

  /** Draw the tiles again, or those with that content: colours, fonts or what they stand for changed. */
  protected repaint(those: (content: C) => boolean = () => true): void {
    for (const tile of this.shown.values()) if (tile.content && those(tile.content)) this.enqueue(tile);
  }

  /** Have this done once everything that waits to be drawn is drawn. */
  protected afterDrawing(act: () => void): void {
    if (!this.stale.size) { act(); return; }
    this.waiting.add(act);
  }

  private enqueue(tile: Tile<C>): void {
    if (this.stale.has(tile)) return;
    this.stale.add(tile);
    void inTurn(() => this.draw(tile));
  }

  /** Draw a tile, if it is still wanted; after the last of them comes what waits for it, be it well drawn or not. */
  private draw(tile: Tile<C>): void {
    try {
      if (this.stale.delete(tile)) this.put(tile);
    } finally {
      if (!this.stale.size) this.flush();
    }
  }

  private flush(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const act of waiting) act();
  }

  private put({ coords, element, content }: Tile<C>): void {
    if (!content) return;
    const canvas = element.querySelector("canvas") ?? document.createElement("canvas");
    if (!this.paint(canvas, content, coords)) element.replaceChildren();
    else if (!canvas.isConnected || canvas.parentElement !== element) element.replaceChildren(canvas);
  }

  /** Between two whole zooms tiles are stretched; what is drawn on them is not. */
  private readonly rescale = (): void => {
    const zoom = this._map.getZoom();
    const scale = this._map.getZoomScale(zoom, Math.round(zoom));
    if (scale === this.scale) return;
    this.scale = scale;
    this.repaint();
  };

  /** Ask again for tiles that did not come, or not yet for the question of now. */
  private readonly catchUp = (): void => {
    for (const tile of this.shown.values()) if (tile.loaded && !tile.asking && !this.holds(tile)) void this.fill(tile);
  };

  private drop(name: string): void {
    const tile = this.shown.get(name);
    if (!tile) return;
    tile.asking?.abort();
    this.stale.delete(tile);
    this.shown.delete(name);
  }

  /** Leaflet calls this, where there is one, when the zoom changes: what is still on its way is not wanted any more. */
  protected _abortLoading(): void {
    const grid = this as unknown as { _tiles: Record<string, { el: HTMLElement; coords: Coords }>; _tileZoom: number };
    for (const [key, { coords, el }] of Object.entries(grid._tiles)) {
      const tile = this.shown.get(nameOf(coords));
      if (coords.z === grid._tileZoom || !tile || tile.loaded) continue;
      el.remove();
      Reflect.deleteProperty(grid._tiles, key);
      this.drop(nameOf(coords));
      this.fire("tileabort", { tile: el, coords });
    }
  }
}

const nameOf = ({ x, y, z }: Coords): string => `${z}/${x}/${y}`;
