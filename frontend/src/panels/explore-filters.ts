/** The filters beyond kinds and words: theme, ward, stage, order, and what holds now. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Facets } from "../api/types";
import { t, type Word } from "../i18n";
import { icon } from "../parts/icon";
import { type Filters, isFiltered, themeLabel, world } from "../state";
import { counted, type Wards } from "./explore-wards";

export interface FiltersOptions {
  filters: Filters;
  facets: Facets | null;
  wards: Wards;
  change: (part: Partial<Filters>) => void;
  reset: () => void;
}

const STAGES: [value: string, word: Word][] = [
  ["", "stage.now"],
  ["planned", "stage.planned"],
  ["active", "stage.active"],
  ["ended", "stage.ended"],
  ["planned,active,ended", "stage.all"],
];

const ORDERS: [value: Filters["sort"] | "near", word: Word][] = [
  ["new", "sort.new"],
  ["appreciated", "sort.appreciated"],
  ["title", "sort.title"],
];

/** The fields to choose by. */
export function filtersView({ filters, facets, wards, change }: FiltersOptions): TemplateResult {
  const one = (event: Event): string[] => (event.target as HTMLSelectElement).value.split(",").filter(Boolean);
  return html`
    <div class="finder__more">
      ${choose("theme", "filters.theme", world.themes.map(({ name, label }) => [name, withCount(label, name, facets)]),
        filters.theme.join(), "filters.any-theme", (event) => change({ theme: one(event) }))}
      ${wards.view(filters.ward, facets)}
        ${choose("stage", "filters.stage", STAGES.map(([value, word]) => [value, t(word)]), filters.stage.join(), null,
          (event) => change({ stage: one(event) }))}
        ${choose("sort", "filters.sort", ORDERS.map(([value, word]) => [value, t(word)]), filters.sort, null,
          (event) => change({ sort: one(event)[0] as Filters["sort"], near: null }))}
      <label class="tick">
        <input type="checkbox" .checked=${filters.here}
          @change=${(event: Event) => change({ here: (event.target as HTMLInputElement).checked, bbox: null })} />
        <span>${t("filters.here")}</span>
      </label>
    </div>
  `;
}

function withCount(label: string, theme: string, facets: Facets | null): string {
  const count = facets?.theme[theme];
  return count === undefined ? label : `${label} (${counted(count, facets)})`;
}

function choose(
  name: string,
  word: Word,
  options: [value: string, label: string][],
  value: string,
  any: Word | null,
  pick: (event: Event) => void,
): TemplateResult {
  return html`<div class="field">
    <label class="field__label" for=${`filter-${name}`}>${t(word)}</label>
    <select class="input" id=${`filter-${name}`} @change=${pick}>
      ${any ? html`<option value="">${t(any)}</option>` : nothing}
      ${options.map(([one, label]) => html`<option value=${one} .selected=${one === value}>${label}</option>`)}
    </select>
  </div>`;
}

/** What is set, each with a way to take it back, so that nobody wonders where the rest went. */
export function appliedView({ filters, wards, change, reset }: FiltersOptions): TemplateResult | typeof nothing {
  const chips: [label: string, part: Partial<Filters>][] = [
    ...filters.theme.map((name): [string, Partial<Filters>] => [themeLabel(name), { theme: [] }]),
    ...filters.ward.map((code): [string, Partial<Filters>] => [
      wards.nameOf(code),
      { ward: filters.ward.filter((one) => one !== code) },
    ]),
  ];
  if (filters.stage.length) chips.push([stageWords(filters.stage), { stage: [] }]);
  if (filters.bbox) chips.push([t("filters.spot"), { bbox: null }]);
  if (filters.near) chips.push([t("filters.near"), { near: null }]);
  if (filters.here) chips.push([t("filters.here"), { here: false }]);
  if (!chips.length) return nothing;
  return html`<div class="chips chips--applied" role="group" aria-label=${t("filters.applied")}>
    ${chips.map(
      ([label, part]) =>
        html`<button type="button" class="chip" @click=${() => change(part)}>
          ${label}<span class="for-readers">, ${t("filters.remove")}</span>${icon("x")}
        </button>`,
    )}
    ${isFiltered(filters) && chips.length > 1
      ? html`<button type="button" class="chip" @click=${reset}>${t("filters.clear")}</button>`
      : nothing}
  </div>`;
}

const stageWords = (stage: string[]): string => {
  const word = STAGES.find(([value]) => value === stage.join())?.[1];
  return word ? t(word) : stage.join(", ");
};
