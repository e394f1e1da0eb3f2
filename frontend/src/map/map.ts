/** The map of the page: ground, assets, what is chosen, and picking a place. Only src/map/ knows Leaflet. */

import "leaflet/dist/leaflet.css";
import "../styles/map.css";
import {
  control, DomEvent, type FitBoundsOptions, type LatLng, type Layer, type LeafletMouseEvent, Map as LeafletMap, type Point,
  TileLayer, tooltip, type Tooltip,
} from "leaflet";
import type { Asset, Box, LonLat } from "../api/types";
import { t } from "../i18n";
import { events, type Position, readPosition, world, writePosition } from "../state";
import { note, route } from "../router";
import { AreaLayer } from "./area-layer";
import type { Place } from "./area-tile";
import { AssetLayer, type Hit } from "./asset-layer";
import { boxOf } from "./cells";
import { cardOf, inSight, spoken, wardCard } from "./card";
import { homeOf } from "./home";
import { openHit } from "./open";
import { Spotlight } from "./overlay";
import { lonLat, Picker, type PickOptions } from "./pick";

/** Greater Britain, for a service that knows no area yet. */
const NOWHERE_YET: Box = [-6, 50, 2, 56];
const EVERYWHERE: Box = [-180, -80, 180, 80];
const FINGER = 22;
/** A whole box is shown at quarters of a zoom, so that it fills the map; by hand one zooms in whole steps. */
const FIT_SNAP = 0.25;
/** Room around it in pixels, with that for the notes at the foot of the map. */
const FIT_PADDING: FitBoundsOptions = { paddingTopLeft: [16, 16], paddingBottomRight: [16, 44] };
const NEAREST_ZOOM = 16;
/** Pause after which a movement counts as over, for those who hear the map. */
const SAY_MS = 400;
/** Pauses after which a tile that has not come counts as missing. */
const SAY_TRIES = 20;
/** Panes between Leaflet's own: wards, their names, assets, what is chosen. */
const PANES: [name: string, level: number][] = [["areas", 250], ["names", 350], ["assets", 420], ["spots", 620]];

/** A layer of a panel's own that says what is under a point of the map's box. */
export type Guest = Layer & { told: (point: Point) => { at: LatLng; card: () => HTMLElement } | null };

export class CivicMap {
  readonly areas = new AreaLayer(!world.settings.tile_url);
  private readonly assets = new AssetLayer();
  private readonly selected: Spotlight;
  private readonly pointed: Spotlight;
  private readonly tip: Tooltip = tooltip({ direction: "top", offset: [0, -14], opacity: 1 });
  private picker: Picker | null = null;
  private guest: Guest | null = null;
  private shaded: { values: Map<string, number>; name: string } | null = null;
  /** What the tip over the map tells of now. */
  private tipped = "";
  private saying = 0;
  /** Wards that stand out: those filtered for, and that of the asset that is open. */
  private filtered: string[] = [];
  private opened: string[] = [];

  private constructor(
    private readonly map: LeafletMap,
    private readonly box: HTMLElement,
  ) {
    for (const [name, level] of PANES) map.createPane(name).style.zIndex = String(level);
    this.selected = new Spotlight(map, "spot--selected");
    this.pointed = new Spotlight(map, "spot--pointed");
    this.addGround();
    this.assets.addTo(map);
    map.on("moveend", () => this.rest());
    map.on("click", (event: LeafletMouseEvent) => this.press(event.containerPoint));
    map.on("mousemove", (event: LeafletMouseEvent) => this.hover(event.containerPoint));
    map.on("mouseout zoomstart", () => this.hush());
    this.assets.on("load settled", this.say);
    DomEvent.on(box, "pointerdown", () => box.toggleAttribute("data-by-pointer", true));
    DomEvent.on(box, "keydown", () => box.toggleAttribute("data-by-pointer", false));
    DomEvent.on(box, "keydown", (event) => this.key(event as KeyboardEvent));
    DomEvent.on(box, "focus", () => this.say());
    new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(box);
  }

  /** The map in the page's map box, where the URL or the service's bounds say. */
  static open(): CivicMap {
    const box = document.querySelector<HTMLElement>("#map-box");
    if (!box) throw new Error("The frame is drawn before the map.");
    const map = new LeafletMap(box, {
      zoomControl: false, attributionControl: false, maxZoom: 19, minZoom: 3, zoomSnap: 1,
      maxBounds: [[-85.05, -200], [85.05, 200]], keyboardPanDelta: 60, boxZoom: false,
      zoomAnimation: calm(), inertia: calm(),
      // Leaflet forgets old tiles by a timer that a slow machine's fading outlasts: they would stay, blown up.
      fadeAnimation: false,
    });
    control.zoom({ position: "topright", zoomInTitle: t("map.in"), zoomOutTitle: t("map.out") }).addTo(map);
    const civic = new CivicMap(map, box);
    const position = readPosition(route.query);
    civic.stand(position);
    if (!position) void civic.goHome();
    return civic;
  }

  /** What is seen: west, south, east, north. */
  get view(): Box {
    const bounds = this.map.getBounds();
    return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  }

  /** Stand there; without a position, where the service's areas are. */
  stand(position: Position | null): void {
    if (position)
      this.finely(() => this.map.setView([position.centre[1], position.centre[0]], position.zoom, { animate: false }));
    else this.fit(world.settings.bounds ?? NOWHERE_YET);
  }

  /** Look closer where most assets are, unless the reader has gone somewhere by then. */
  private async goHome(): Promise<void> {
    const [whole, stood] = [world.settings.bounds ?? EVERYWHERE, this.map.getCenter()];
    const home = await homeOf(whole, (tile) => this.assets.inside(tile)).catch(() => whole);
    if (home !== whole && this.map.getCenter().equals(stood) && !this.picker) this.fit(home);
  }

  /** Show the whole box. */
  fit([west, south, east, north]: Box): void {
    const bounds: [LonLat, LonLat] = [[south, west], [north, east]];
    this.finely(() => this.map.fitBounds(bounds, { ...FIT_PADDING, maxZoom: 17, animate: calm() }));
  }

  private finely(move: () => void): void {
    this.map.options.zoomSnap = FIT_SNAP;
    move();
    this.map.options.zoomSnap = 1;
  }

  /** Show which assets pass these filters. */
  filter(query: Record<string, string>, wards: string[]): void {
    this.assets.setQuery(query);
    this.filtered = wards;
    this.outline();
  }

  /** Ask for the tiles again, past every cache: something of our own was just changed. */
  refresh(): void {
    void this.assets.refresh("reload");
    // The service itself keeps a tile for up to a second.
    window.setTimeout(() => void this.assets.refresh("reload"), 1300);
  }

  /** Mark the asset as the one that is open, and bring it into sight. */
  select(asset: Asset | null): void {
    this.selected.show(asset);
    this.opened = asset?.properties.area ? [asset.properties.area.code] : [];
    this.outline();
    if (!asset) return;
    const { anchor } = asset.properties;
    if (asset.geometry && asset.geometry.type !== "Point") this.bringIn(boxOf(asset.geometry));
    else if (anchor) this.bringIn([...anchor, ...anchor]);
  }

  /** Mark the asset whose row the reader points at. */
  point(asset: Asset | null): void {
    this.pointed.show(asset);
  }

  /** Shade the wards by a figure instead of showing assets; null shows the assets again. */
  shade(values: Map<string, number> | null, name = ""): void {
    this.shaded = values && { values, name };
    this.areas.shade(values);
    this.hush();
    this.box.toggleAttribute("data-shaded", values !== null);
    if (!values) { this.say(); return; }
    for (const place of ["#map-says", "#map-part"]) write(place, ""); // what they told of is not shown any more
  }

  /** Show a layer that a panel brings along, in place of an earlier one; null takes it away. */
  invite(guest: Guest | null): void {
    this.hush();
    this.guest?.remove();
    this.guest = guest;
    guest?.addTo(this.map);
  }

  /** Go near to a place. */
  near([lon, lat]: LonLat, zoom = NEAREST_ZOOM): void {
    this.map.setView([lat, lon], Math.max(this.map.getZoom(), zoom), { animate: calm() });
  }

  /** Let the reader choose a place; the answer ends when `stop` is called. */
  pick(options: PickOptions): Picker {
    this.picker?.stop();
    this.hush();
    const picker = new Picker(this.map, options);
    this.picker = picker;
    return picker;
  }

  /** Choosing is over. */
  endPick(): void {
    this.picker?.stop();
    this.picker = null;
  }

  /** The ward that covers the point; null outside of all. Rejects when the service does not answer. */
  wardAt(point: LonLat): Promise<Place | null> {
    return this.areas.covering(point);
  }

  private addGround(): void {
    const { tile_url: url } = world.settings;
    // The credit line is not Leaflet's: that one would read the operator's words as HTML.
    if (url) new TileLayer(url, { maxZoom: 19, className: "ground" }).addTo(this.map);
    this.box.toggleAttribute("data-ground", !!url);
    this.areas.addTo(this.map);
  }

  private outline(): void {
    this.areas.outline([...this.filtered, ...this.opened]);
  }

  private bringIn([west, south, east, north]: Box): void {
    const bounds = this.map.getBounds().pad(-0.08);
    if (bounds.contains([south, west]) && bounds.contains([north, east])) return;
    if (west === east && south === north) this.near([west, south], 15);
    else this.fit([west, south, east, north]);
  }

  private rest(): void {
    const centre = lonLat(this.map.getCenter());
    const query = new URLSearchParams(route.query);
    query.set("at", writePosition({ zoom: this.map.getZoom(), centre }));
    if (route.layout === "list" || route.layout === "over") note(query);
    events.tell("moved", this.view);
    this.say();
  }

  /** What is under a point of the box, if the reader is not choosing a place. */
  private under(point: Point): Hit | null {
    if (this.picker || this.shaded) return null;
    const origin = this.map.getPixelBounds().min;
    return origin ? this.assets.hit(point.add(origin), FINGER) : null;
  }

  private press(point: Point): void {
    const hit = this.under(point);
    if (hit) void openHit(this.map, this.assets, hit, calm());
  }

  private hover(point: Point): void {
    if (this.shaded) { this.figure(this.shaded, this.map.containerPointToLatLng(point)); return; }
    const told = this.guest?.told(point);
    if (told) { this.tell(`guest ${told.at.lat},${told.at.lng}`, told.at, told.card); return; }
    const hit = this.under(point);
    this.box.toggleAttribute("data-over", !!hit);
    if (!hit || hit.type === "shape") this.hush();
    else this.tell(`${hit.at.lat},${hit.at.lng}`, hit.at, () => cardOf(hit));
  }

  /** The card over a mark. It is made once for what the pointer stays on: measuring it is dear. */
  private tell(what: string, at: LatLng, card: () => HTMLElement): void {
    if (this.tipped === what && this.shaded) this.tip.setLatLng(at);
    if (this.tipped === what) return;
    this.tipped = what;
    this.tip.setLatLng(at).setContent(card()).addTo(this.map);
  }

  private hush(): void {
    if (!this.tipped) return;
    this.tipped = "";
    this.tip.remove();
  }

  /** The figure of the ward under the pointer. */
  private figure({ values, name }: { values: Map<string, number>; name: string }, at: LatLng): void {
    const ward = this.areas.at(this.map.project(at));
    if (ward) this.tell(ward.code, at, () => wardCard(ward.name, name, values.get(ward.code)));
    else this.hush();
  }

  /** Enter acts on what is under the cross-hair, which stands in the middle while the map has the keyboard. */
  private key(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.target !== this.box) return;
    event.preventDefault();
    if (this.picker) { this.picker.add(lonLat(this.map.getCenter())); return; }
    this.press(this.map.getSize().divideBy(2));
  }

  /** Say what there is, to those who hear the map: what the cross-hair has reached, and what is in sight. Said when the
   *  map and its tiles have come to rest, and only once. */
  private readonly say = (): void => this.sayWithin(SAY_TRIES);

  private sayWithin(tries: number): void {
    window.clearTimeout(this.saying);
    this.saying = window.setTimeout(() => {
      if (this.shaded) return;
      const tally = this.assets.tally();
      if (!tally && tries > 1) { this.sayWithin(tries - 1); return; } // tiles are still on their way
      const hit = document.activeElement === this.box ? this.under(this.map.getSize().divideBy(2)) : null;
      write("#map-says", [hit && spoken(hit), tally && inSight(tally)].filter(Boolean).join(" "));
      write("#map-part", !tally ? t("map.missing") : tally.approximate ? t("map.part") : "");
    }, SAY_MS);
  }
}

/** A line that is read out when it changes. */
function write(place: string, words: string): void {
  const line = document.querySelector(place);
  if (line && line.textContent !== words) line.textContent = words;
}

/** Whether movement may be shown. */
const calm = (): boolean => !matchMedia("(prefers-reduced-motion: reduce)").matches;
