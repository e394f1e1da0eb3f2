/** The rows of a file by what becomes of them; and placing those that have no place yet. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { aborted, ApiError, get, post, words } from "../api/client";
import type { ImportRow, Postcode } from "../api/desk-types";
import type { Geometry, Items, LonLat } from "../api/types";
import { label, number, t } from "../i18n";
import { ifMap, theMap } from "../map/handle";
import { keepQuery } from "../router";
import { world } from "../state";
import { icon } from "./icon";
import { outcomeMark } from "./outcomes";
import { setSheet } from "./sheet";
import { toast } from "./toast";

/** What can be asked of the rows, with the counts that say how many there are. What undoing left is not counted. */
const LISTS: [is: string, count: string][] = [
  ["kept", "kept"],
  ["rejected", "rejected"], ["unplaced", "unplaced"], ["conflict", "conflicts"], ["duplicate", "duplicates"],
  ["updated", "updated"], ["retired", "retired"], ["created", "created"],
];

export class ImportRows {
  private counts: Record<string, number> = {};
  private is = "";
  private undone = false;
  private items: ImportRow[] = [];
  private next: string | null = null;
  private problem = "";
  private placing: { row: ImportRow; geometry: Geometry | null; fault: string; busy: boolean } | null = null;

  constructor(
    private readonly path: string,
    private readonly redraw: () => void,
    private readonly signal: AbortSignal,
    private readonly placed: () => Promise<void>,
  ) {}

  /** Show the first list that has rows, or stay with the one that is shown. */
  async begin(counts: Record<string, number>, state: string): Promise<void> {
    this.counts = counts;
    this.undone = state === "undone";
    const there = this.lists().map(([is]) => is);
    await this.show(there.includes(this.is) ? this.is : (there[0] ?? ""));
  }

  private lists(): typeof LISTS {
    return LISTS.filter(([is, count]) => (is === "kept" ? this.undone : this.counts[count]));
  }

  private async show(is: string): Promise<void> {
    this.is = is;
    this.items = [];
    if (!is) return;
    await this.fetch(`${this.path}/rows`, { is, limit: "50" });
  }

  private async fetch(path: string, query?: Record<string, string>): Promise<void> {
    const is = this.is;
    try {
      const page = await get<Items<ImportRow>>(path, query, this.signal);
      if (is !== this.is) return;
      this.items = [...this.items, ...page.items];
      this.next = page.next;
      this.problem = "";
    } catch (error) {
      if (aborted(error)) return;
      this.problem = words(error);
    }
    this.redraw();
  }

  view(): TemplateResult | typeof nothing {
    const lists = this.lists();
    if (!lists.length) return nothing;
    return html`<div class="chips" role="group" aria-label=${t("rows.which")}>
        ${lists.map(([is, count]) => html`<button type="button" class="chip" aria-pressed=${String(is === this.is)} @click=${() => void this.show(is)}>
          ${outcomeMark(is)}${label("outcome", count)} ${is === "kept" ? nothing : html`<span class="count">${number(this.counts[count] ?? 0)}</span>`}</button>`)}
      </div>
      <div role="alert">${this.problem ? html`<p class="field__error">${icon("triangle-alert")}${this.problem}</p>` : nothing}</div>
      ${this.tableView()}
      ${this.next ? html`<p class="buttons"><button type="button" class="button" @click=${() => void this.fetch(this.next ?? "")}>${t("explore.more")}</button></p>` : nothing}`;
  }

  private tableView(): TemplateResult {
    const title = t("rows.title", { what: label("outcome", this.is) });
    if (!this.items.length) return html`<p class="soft" role="status">${t(this.is === "kept" ? "rows.none-kept" : "rows.none")}</p>`;
    const places = this.items.some(({ waits }) => waits);
    return html`<div class="table-box" tabindex="0" role="region" aria-label=${title}>
      <table class="table--words">
        <caption class="for-readers">${title}</caption>
        <thead><tr><th scope="col">${t("rows.row")}</th><th scope="col">${t("rows.line")}</th><th scope="col">${t("rows.why")}</th>
          ${places ? html`<th scope="col">${t("rows.place")}</th>` : nothing}</tr></thead>
        <tbody>${this.items.map((row) => this.line(row, places))}</tbody>
      </table>
    </div>`;
  }

  private line(row: ImportRow, places: boolean): TemplateResult {
    const { title, line, reason, asset, lon, lat } = row;
    const name = title || t("rows.no-title");
    return html`<tr>
      <th scope="row">${asset ? html`<a href=${keepQuery(`/assets/${asset}`, new URLSearchParams())}>${name}</a>` : name}</th>
      <td data-head=${t("rows.line")}>${line ?? "–"}</td>
      <td data-head=${t("rows.why")}>${reason || "–"} ${changes(row)}
        ${lon !== null && lat !== null ? html`<button type="button" class="button button--small" @click=${() => near([lon, lat])}>${t("areas.find")}<span class="for-readers"> ${name}</span></button>` : nothing}</td>
      ${places ? html`<td data-head=${t("rows.place")}>${row.waits ? this.placeView(row, name) : "–"}</td>` : nothing}
    </tr>`;
  }

  // Placing ---------------------------------------------------------------------------------------------------------------

  private placeView(row: ImportRow, name: string): TemplateResult {
    if (this.placing?.row === row) return this.placingView(this.placing);
    return html`<button type="button" class="button button--small" @click=${() => void this.start(row)}>
      ${icon("map-pin")}${t("rows.give-place")}<span class="for-readers"> ${name}</span></button>`;
  }

  private placingView({ geometry, fault, busy }: NonNullable<ImportRows["placing"]>): TemplateResult {
    return html`<div class="placing">
      <p class="small" role="status">${t(geometry ? "rows.chosen" : "rows.choose")}</p>
      <p class="buttons"><button type="button" class="button button--small" @click=${toMap}>${icon("map-pin")}${t("where.to-map")}</button></p>
      ${world.settings.postcodes ? html`<label class="field__label" for="row-postcode">${t("rows.postcode")}</label>
        <input class="input input--short" id="row-postcode" maxlength="10" autocomplete="off" @change=${(event: Event) => void this.postcode((event.target as HTMLInputElement).value)} />` : nothing}
      <div role="alert">${fault ? html`<p class="field__error">${icon("triangle-alert")}${fault}</p>` : nothing}</div>
      <p class="buttons"><button type="button" class="button button--main button--small" ?disabled=${!geometry} aria-busy=${String(busy)} @click=${() => void this.send()}>${t("rows.send")}</button>
        <button type="button" class="button button--quiet button--small" @click=${this.giveUp}>${t("cancel")}</button></p>
    </div>`;
  }

  private async start(row: ImportRow): Promise<void> {
    this.placing = { row, geometry: null, fault: "", busy: false };
    this.redraw();
    const map = await theMap();
    map.pick({ drawing: "Point", approximate: false, onChange: (geometry) => this.choose(geometry) });
    const task = document.getElementById("map-task");
    const done = (): void => setSheet("full");
    if (task) render(html`<div><span>${t("task.place", { name: row.title })}</span>
      <button type="button" class="button task__done" @click=${done}>${t("task.done")}</button></div>`, task);
  }

  private choose(geometry: Geometry | null): void {
    if (!this.placing) return;
    Object.assign(this.placing, { geometry, fault: "" });
    this.redraw();
  }

  private async postcode(text: string): Promise<void> {
    if (!text.trim() || !this.placing) return;
    try {
      const found = await get<Postcode>(`/postcodes/${encodeURIComponent(text.trim())}`, undefined, this.signal);
      const geometry = { type: "Point", coordinates: found.coordinates } as const;
      const map = await theMap();
      map.near(found.coordinates);
      map.pick({ drawing: "Point", approximate: false, onChange: (moved) => this.choose(moved) }).start(geometry);
      this.choose(geometry);
    } catch (error) {
      if (aborted(error)) return;
      this.placing.fault = error instanceof ApiError && error.status === 404 ? t("where.no-postcode") : words(error);
      this.redraw();
    }
  }

  private async send(): Promise<void> {
    const { placing } = this;
    if (!placing?.geometry || placing.busy) return;
    placing.busy = true;
    this.redraw();
    try {
      await post(`/imports/rows/${placing.row.id}/place`, { geometry: placing.geometry });
      toast(t("rows.placed"));
      this.giveUp();
      ifMap((map) => map.refresh());
      await this.show(this.is);
      await this.placed();
    } catch (error) {
      placing.fault = words(error);
    }
    placing.busy = false;
    this.redraw();
  }

  private readonly giveUp = (): void => {
    this.rest();
    this.redraw();
  };

  /** Give the map back. */
  rest(): void {
    this.placing = null;
    ifMap((map) => map.endPick());
    const task = document.getElementById("map-task");
    if (task) render(nothing, task);
  }
}

function near(place: LonLat): void {
  setSheet("half");
  void theMap().then((map) => map.near(place));
}

function toMap(): void {
  setSheet("peek");
  document.getElementById("map-box")?.focus({ preventScroll: true });
}

/** What is said of the asset now, and what the file says. */
function changes({ before, after }: ImportRow): TemplateResult | typeof nothing {
  const names = Object.keys(after ?? {}).filter((name) => JSON.stringify(after?.[name]) !== JSON.stringify(before?.[name]));
  if (!names.length || !before) return nothing;
  return html`<dl class="changes">${names.map((name) => html`<div><dt>${label("import-field", name)}</dt>
    <dd><del>${shown(before[name])}</del> <ins>${shown(after?.[name])}</ins></dd></div>`)}</dl>`;
}

const shown = (value: unknown): string => (value === null || value === undefined || value === "" ? "–" : typeof value === "string" ? value : JSON.stringify(value));
