/** Areas and boundary sets: what the figures are counted in, from when to when, and how many live there. */

import { html, nothing, type TemplateResult } from "lit-html";
import { get } from "../api/client";
import type { BoundarySet } from "../api/desk-types";
import type { Area, Items } from "../api/types";
import { day, label, number, t } from "../i18n";
import { ifMap, theMap } from "../map/handle";
import { DeskView, panelOf } from "../parts/desk-view";
import { icon } from "../parts/icon";
import { setSheet } from "../parts/sheet";
import { myAreas, world } from "../state";

const PAGE = 100;

class Areas extends DeskView {
  private sets: BoundarySet[] | null = null;
  private level = "";
  private list: Area[] = [];
  private next: string | null = null;
  /** Names of the areas that those of the list are part of, by code. */
  private readonly parents = new Map<string, string>();

  constructor(...given: [ConstructorParameters<typeof DeskView>[0], HTMLElement]) {
    super(...given, "areas.heading");
    this.level = this.now.query.get("level") ?? "ward";
  }

  protected async load(): Promise<void> {
    void theMap();
    this.sets = (await get<Items<BoundarySet>>("/boundary-sets", undefined, this.asking.signal)).items;
    await this.readAreas({ level: this.level, limit: String(PAGE) });
  }

  private async readAreas(query: Record<string, string> | null): Promise<void> {
    const page = await get<Items<Area>>(query ? "/areas" : (this.next ?? ""), query ?? undefined, this.asking.signal);
    this.list = query ? page.items : [...this.list, ...page.items];
    this.next = page.next;
    await this.nameParents();
  }

  private async nameParents(): Promise<void> {
    const codes = new Set(this.list.flatMap(({ parent }) => (parent && !this.parents.has(parent) ? [parent] : [])));
    if (!codes.size) return;
    const query = { code: [...codes].join(","), limit: String(PAGE) };
    const { items } = await get<Items<Area>>("/areas", query, this.asking.signal);
    for (const { code, name } of items) this.parents.set(code, name);
  }

  private show(level: string): void {
    this.level = level;
    this.list = [];
    void this.read();
  }

  protected body(): TemplateResult {
    const { sets } = this;
    if (!sets) return html`<p class="busy" role="status">${this.problem ? nothing : t("loading")}</p>`;
    const mine = myAreas(world.viewer);
    return html`${mine.length ? html`<p>${t("areas.mine", { areas: mine.map(({ name }) => name).join(", ") })}</p>` : nothing}
      <h2>${t("areas.sets")}</h2>
      ${sets.length ? this.setsView(sets) : html`<p class="notice notice--warm">${icon("info")}<span>${t("desk.no-wards")}</span></p>`}
      ${this.listView(sets)}
      <p class="small soft">${t("areas.how")} <code>./civic areas import</code></p>`;
  }

  private setsView(sets: BoundarySet[]): TemplateResult {
    return html`<div class="table-box" tabindex="0" role="region" aria-label=${t("areas.sets")}>
      <table class="table--words">
        <caption class="for-readers">${t("areas.sets")}</caption>
        <thead><tr>
          <th scope="col">${t("areas.set")}</th><th scope="col">${t("gaps.level")}</th><th scope="col">${t("areas.from")}</th>
          <th scope="col">${t("areas.to")}</th><th scope="col" class="number">${t("areas.count")}</th>
          <th scope="col" class="number">${t("areas.people")}</th>
        </tr></thead>
        <tbody>${sets.map((set) => html`<tr>
          <th scope="row">${set.name}${set.illustrative ? html` <span class="tag tag--warm">${t("areas.illustrative")}</span>` : nothing}
            ${set.attribution ? html`<span class="small soft table__note">${set.attribution}</span>` : nothing}</th>
          <td data-head=${t("gaps.level")}>${label("level", set.level)}</td>
          <td data-head=${t("areas.from")}>${set.valid_from ? day(set.valid_from) : "–"}</td>
          <td data-head=${t("areas.to")}>${set.valid_to ? day(set.valid_to) : set.in_force ? t("areas.in-force") : "–"}</td>
          <td data-head=${t("areas.count")} class="number">${number(set.areas)}</td>
          <td data-head=${t("areas.people")} class="number">${people(set.population)}</td>
        </tr>`)}</tbody>
      </table>
    </div>`;
  }

  private listView(sets: BoundarySet[]): TemplateResult | typeof nothing {
    const levels = [...new Set(sets.filter(({ in_force }) => in_force).map(({ level }) => level))];
    if (!levels.length) return nothing;
    const title = t("areas.list");
    return html`<h2>${title}</h2>
      <div class="field on-screen">
        <label class="field__label" for="areas-level">${t("gaps.level")}</label>
        <select class="input" id="areas-level" @change=${(event: Event) => this.show((event.target as HTMLSelectElement).value)}>
          ${levels.map((level) => html`<option value=${level} ?selected=${level === this.level}>${label("level", level)}</option>`)}
        </select>
      </div>
      <div class="table-box" tabindex="0" role="region" aria-label=${title}>
        <table class="table--words">
          <caption class="for-readers">${title}</caption>
          <thead><tr><th scope="col">${t("areas.name")}</th><th scope="col">${t("areas.code")}</th><th scope="col">${t("areas.part-of")}</th>
            <th scope="col" class="number">${t("areas.people")}</th><th scope="col" class="on-screen">${t("areas.on-map")}</th></tr></thead>
          <tbody>${this.list.map((area) => this.areaLine(area))}</tbody>
        </table>
      </div>
      ${this.next
        ? html`<p class="buttons"><button type="button" class="button" @click=${() => void this.more()}>${t("explore.more")}</button></p>`
        : nothing}`;
  }

  private areaLine(area: Area): TemplateResult {
    const point = (on: boolean) => (): void => ifMap((map) => map.areas.outline(on ? [area.code] : []));
    return html`<tr @mouseenter=${point(true)} @mouseleave=${point(false)}>
      <th scope="row">${area.name}</th>
      <td data-head=${t("areas.code")}>${area.code}</td>
      <td data-head=${t("areas.part-of")}>${area.parent ? (this.parents.get(area.parent) ?? area.parent) : "–"}</td>
      <td data-head=${t("areas.people")} class="number">${people(area.population)}</td>
      <td class="on-screen" data-head=${t("areas.on-map")}><button type="button" class="button button--small" @click=${() => this.find(area)}>${t("areas.find")}<span
        class="for-readers"> ${area.name}</span></button></td>
    </tr>`;
  }

  private find({ bbox, code }: Area): void {
    setSheet("half");
    void theMap().then((map) => {
      map.fit(bbox);
      map.areas.outline([code]);
    });
  }

  private readonly more = async (): Promise<void> => {
    await this.readAreas(null).catch(() => undefined);
    this.redraw();
  };
}

const people = (count: number | null): string => (count === null ? t("areas.not-known") : number(count));

export const { enter, leave } = panelOf((now, host) => new Areas(now, host));
