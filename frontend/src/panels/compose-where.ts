/** Where it is: by the map, by the name of a ward, by a postcode; exactly, roughly, for a whole area, or nowhere. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { ApiError, get, words } from "../api/client";
import type { Area, Asset, Geometry, Items, Kind, LocationClass, LonLat } from "../api/types";
import { label, t } from "../i18n";
import { cellOf } from "../map/cells";
import { ifMap, theMap } from "../map/handle";
import type { CivicMap } from "../map/map";
import type { Drawing } from "../map/sketch";
import { icon } from "../parts/icon";
import { setSheet } from "../parts/sheet";
import { world } from "../state";
import type { Place } from "./compose-document";

export interface WhereOptions {
  key: string;
  kind: Kind;
  asset: Asset | null;
  redraw: () => void;
}

type Way = Drawing | "area" | "none";

interface Kept {
  way: Way;
  geometry: Geometry | null;
  area: { code: string; name: string } | null;
  location_class: LocationClass;
}

export class Where {
  private now: Kept;
  private found: Area[] = [];
  private problem = "";
  private looking = 0;
  private left = false;
  private readonly drawings: Drawing[];

  constructor(private readonly options: WhereOptions) {
    const { kind, asset, key } = options;
    this.drawings = (["Point", "LineString", "Polygon"] as const).filter((one) => kind.geometries.includes(one));
    this.now = kept(key) ?? (asset ? placeOf(asset) : fresh(kind));
    void theMap().then((map) => this.pick(map));
  }

  /** The place as the API takes it. Refuses a place that was chosen by half. */
  read(): Place {
    const { way, geometry, area, location_class } = this.now;
    if (way === "area") {
      if (!area) throw this.refuse("where.needs-area");
      return { geometry: null, area: area.code, location_class };
    }
    if (way === "none" || location_class === "shielded") return { geometry: null, area: null, location_class };
    if (!geometry) throw this.refuse(way === "Point" ? "where.needs-point" : "where.needs-corners");
    return { geometry, area: null, location_class };
  }

  forget(): void {
    sessionStorage.removeItem(storeKey(this.options.key));
  }

  leave(): void {
    this.left = true;
    this.rest();
  }

  /** Give the map back. */
  private rest(): void {
    ifMap((map) => map.endPick());
    const task = document.getElementById("map-task");
    if (task) render(nothing, task);
  }

  view(): TemplateResult {
    const { way, location_class } = this.now;
    return html`<section aria-labelledby="where-title">
      <h2 id="where-title">${t("where.heading")}</h2>
      ${this.classes()}
      ${location_class === "shielded" ? html`<p class="notice">${icon("lock")}<span>${t("where.shielded")}</span></p>` : this.ways()}
      ${way !== "none" && location_class !== "shielded" ? this.tools() : nothing}
      <div role="alert">
        ${this.problem ? html`<p class="field__error">${icon("triangle-alert")}${this.problem}</p>` : nothing}
      </div>
    </section>`;
  }

  private classes(): TemplateResult | typeof nothing {
    const { location_classes: classes } = this.options.kind;
    if (classes.length < 2) return nothing;
    return html`<fieldset class="field">
      <legend class="field__label">${t("where.how-exact")}</legend>
      <div class="chips">
        ${classes.map((one) => this.choice("class", one, label("location-class", one), this.now.location_class === one,
          () => this.exactness(one)))}
      </div>
      ${this.now.location_class === "person"
        ? html`<p class="notice">${icon("square-dashed")}<span>${t("where.person")} ${t("where.person.sent")}</span></p>`
        : nothing}
    </fieldset>`;
  }

  private ways(): TemplateResult {
    const ways: Way[] = [...(this.now.location_class === "person" ? (["Point"] as const) : this.drawings), "area", "none"];
    return html`<fieldset class="field">
      <legend class="field__label">${t("where.which-way")}</legend>
      <div class="chips">
        ${ways.map((way) => this.choice("way", way, label("where-way", way), this.now.way === way, () => this.goWay(way)))}
      </div>
    </fieldset>`;
  }

  private choice(group: string, value: string, text: string, on: boolean, pick: () => void): TemplateResult {
    return html`<label class="chip">
      <input type="radio" name=${`where-${group}`} value=${value} .checked=${on} @change=${pick} />${text}
    </label>`;
  }

  private tools(): TemplateResult {
    const { way } = this.now;
    const drawing = way !== "area";
    return html`<div class="where__tools">
      <p class="notice ${this.chosen ? "" : "notice--warm"}" role="status">
        ${icon(this.chosen ? "check" : "map-pin")}<span>${this.says()}</span>
      </p>
      ${drawing
        ? html`<div class="buttons">
            <button type="button" class="button" @click=${this.toMap}>${icon("map-pin")}${t("where.to-map")}</button>
            ${way === "Point" || !this.now.geometry
              ? nothing
              : html`<button type="button" class="button button--quiet" @click=${() => void theMap().then((map) => this.pick(map, true))}>
                  ${icon("trash-2")}${t("where.again")}
                </button>`}
          </div>`
        : nothing}
      ${way === "LineString" || way === "Polygon" ? nothing : this.finder(drawing)}
    </div>`;
  }

  /** A ward by its name, or a postcode. */
  private finder(point: boolean): TemplateResult {
    const postcodes = point && world.settings.postcodes;
    const id = `${this.options.key}-find`;
    return html`<div class="field">
        <label class="field__label" for=${id}>${t(postcodes ? "where.find-postcode" : "where.find")}</label>
        <input class="input" id=${id} type="search" autocomplete="off" maxlength="80" @input=${this.look}
          @keydown=${(event: KeyboardEvent) => event.key === "Enter" && event.preventDefault()} />
      </div>
      ${this.found.length
        ? html`<ul class="where__found" aria-label=${t("where.found")}>
            ${this.found.slice(0, 6).map((area) => this.foundLine(area, point))}
          </ul>`
        : nothing}`;
  }

  private foundLine(area: Area, point: boolean): TemplateResult {
    return html`<li>
      <strong>${area.name}</strong>
      ${point
        ? html`<button type="button" class="button button--quiet" @click=${() => void this.place(area.centre)}>
            ${t("where.centre")}<span class="for-readers">${area.name}</span>
          </button>`
        : nothing}
      <button type="button" class="button button--quiet" @click=${() => this.whole(area)}>
        ${t("where.whole")}<span class="for-readers">${area.name}</span>
      </button>
    </li>`;
  }

  private get chosen(): boolean {
    return this.now.way === "area" ? this.now.area !== null : this.now.geometry !== null;
  }

  private says(): string {
    const { way, area, geometry, location_class } = this.now;
    if (way === "area") return area ? t("where.area", { area: area.name }) : t("where.say-area");
    if (!geometry) return t(way === "Point" ? "where.say-point" : way === "LineString" ? "where.say-line" : "where.say-polygon");
    if (geometry.type !== "Point") return t("where.drawn");
    const ward = this.ward?.name;
    if (location_class === "person") return ward ? t("where.roughly", { ward }) : t("where.roughly-here");
    return ward ? t("where.in", { ward }) : this.ward ? t("where.in-none") : t("where.pinned");
  }

  /** The ward of the point; no name outside of all, null while it is not known. */
  private ward: { key: string; name: string | null } | null = null;

  // Changes ---------------------------------------------------------------------------------------------------------------

  private keep(part: Partial<Kept>): void {
    this.now = { ...this.now, ...part };
    this.problem = "";
    sessionStorage.setItem(storeKey(this.options.key), JSON.stringify(this.now));
    this.options.redraw();
  }

  private goWay(way: Way): void {
    const fits = this.now.geometry?.type === way;
    this.found = [];
    this.keep({ way, geometry: fits ? this.now.geometry : null });
    void theMap().then((map) => this.pick(map));
  }

  private exactness(location_class: LocationClass): void {
    const { geometry } = this.now;
    const way = location_class === "person" && this.now.way !== "area" && this.now.way !== "none" ? "Point" : this.now.way;
    const rough = geometry?.type === "Point" && location_class === "person";
    const kept = rough ? ({ type: "Point", coordinates: cellOf(geometry.coordinates).centre } as const) : geometry;
    this.keep({ location_class, way, geometry: way === kept?.type || way !== "Point" ? kept : null });
    void theMap().then((map) => this.pick(map));
  }

  /** Hand the map to the reader for choosing. */
  private pick(map: CivicMap, afresh = false): void {
    const { way, location_class } = this.now;
    if (this.left) return;
    if (way === "area" || way === "none" || location_class === "shielded") { this.rest(); return; }
    if (afresh) this.keep({ geometry: null });
    const picker = map.pick({
      drawing: way,
      approximate: location_class === "person",
      onChange: (geometry) => {
        this.keep({ geometry });
        void this.settle(map, geometry);
      },
    });
    picker.start(this.now.geometry);
    void this.settle(map, this.now.geometry);
    this.options.redraw();
    const task = document.getElementById("map-task");
    if (task) render(taskView(way, () => picker.undo()), task);
  }

  /** Find out which ward the point lies in. The sentence is completed when it is known. */
  private async settle(map: CivicMap, geometry: Geometry | null): Promise<void> {
    const key = geometry?.type === "Point" ? geometry.coordinates.join() : "";
    if (this.ward?.key === key) return;
    this.ward = null;
    if (geometry?.type !== "Point" || !world.settings.bounds) return;
    // Without an answer it stays "Pinned": the service will know the ward when it is sent.
    const found = await map.wardAt(geometry.coordinates).catch(() => undefined);
    const now = this.now.geometry;
    if (found === undefined || now?.type !== "Point" || now.coordinates.join() !== key) return;
    this.ward = { key, name: found?.name ?? null };
    this.options.redraw();
  }

  /** Put the point there, rounded first when only the cell may be known. */
  private async place(point: LonLat): Promise<void> {
    const map = await theMap();
    const coordinates = this.now.location_class === "person" ? cellOf(point).centre : point;
    this.found = [];
    this.keep({ way: "Point", geometry: { type: "Point", coordinates } });
    map.near(coordinates);
    this.pick(map);
  }

  private whole(area: Area): void {
    this.found = [];
    this.keep({ way: "area", geometry: null, area: { code: area.code, name: area.name } });
    void theMap().then((map) => {
      this.pick(map);
      map.fit(area.bbox);
    });
  }

  private readonly toMap = (): void => {
    setSheet("peek");
    document.getElementById("map-box")?.focus({ preventScroll: true });
  };

  private readonly look = (event: Event): void => {
    const text = (event.target as HTMLInputElement).value.trim();
    window.clearTimeout(this.looking);
    this.looking = window.setTimeout(() => void this.search(text), 250);
  };

  private async search(text: string): Promise<void> {
    this.problem = "";
    try {
      if (world.settings.postcodes && this.now.way === "Point" && /^[a-z]{1,2}\d[a-z\d]?\s*\d[a-z]{2}$/i.test(text)) {
        const found = await get<{ coordinates: LonLat }>(`/postcodes/${encodeURIComponent(text)}`);
        await this.place(found.coordinates); return;
      }
      this.found = text.length < 2 ? [] : (await get<Items<Area>>("/areas", { q: text, limit: "6" })).items;
      if (text.length >= 2 && !this.found.length) this.problem = t("where.not-found", { words: text });
    } catch (error) {
      this.problem = error instanceof ApiError && error.status === 404 ? t("where.no-postcode") : words(error);
    }
    this.options.redraw();
  }

  private refuse(word: "where.needs-area" | "where.needs-point" | "where.needs-corners"): ApiError {
    this.problem = t(word);
    return new ApiError(422, this.problem);
  }
}

const taskView = (way: Way, undo: () => void): TemplateResult => html`<div>
  <span>${t(way === "Point" ? "task.point" : way === "LineString" ? "task.line" : "task.polygon")}</span>
  ${way === "Point"
    ? nothing
    : html`<button type="button" class="button task__undo" @click=${undo}>${icon("undo-2")}<span>${t("undo")}</span></button>`}
  <button type="button" class="button task__done" @click=${() => setSheet("full")}>${t("task.done")}</button>
</div>`;

const fresh = (kind: Kind): Kept => ({
  way: "Point",
  geometry: null,
  area: null,
  location_class: kind.location_class,
});

function placeOf({ geometry, properties }: Asset): Kept {
  const { area, location_class } = properties;
  const type = geometry?.type.replace("Multi", "") as Drawing | undefined;
  return { way: area ? "area" : (type ?? "none"), geometry, area, location_class };
}

const storeKey = (key: string): string => `where:${key}`;

function kept(key: string): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(storeKey(key)) ?? "null") as Kept | null;
  } catch {
    return null;
  }
}
