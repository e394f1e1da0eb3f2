/** What the figures point at, as tables: each row leads to the map. */

import { html, nothing, type TemplateResult } from "lit-html";
import { t } from "../i18n";
import { keepQuery } from "../router";
import { writeFilters, NO_FILTERS, type Filters } from "../state";

export interface Finding<R> {
  key: string;
  title: string;
  /** What it means, and what one could do. */
  hint: string;
  /** What it is good to hear when there is none. */
  none: string;
  rows: R[];
  /** Rows that the report left out. */
  more: number;
  columns: [head: string, cell: (row: R) => TemplateResult | string | typeof nothing, style?: "number"][];
}

/** A section with its table; the first cell of a row names it. */
export function findingView<R>({ key, title, hint, none, rows, more, columns }: Finding<R>): TemplateResult {
  return html`<section class="finding" aria-labelledby=${`finding-${key}`}>
    <h2 id=${`finding-${key}`}>${title} <span class="count">${rows.length + more}</span></h2>
    <p class="small soft">${rows.length ? hint : none}</p>
    ${rows.length
      ? html`<div class="table-box" tabindex="0" role="region" aria-label=${title}>
          <table class="table--words">
            <caption class="for-readers">${title}</caption>
            <thead><tr>${columns.map(([head, , style]) => html`<th scope="col" class=${style ?? ""}>${head}</th>`)}</tr></thead>
            <tbody>${rows.map((row) => html`<tr>${columns.map(([head, cell, style], at) =>
              at === 0
                ? html`<th scope="row">${cell(row)}</th>`
                : html`<td data-head=${head} class=${style ?? ""}>${cell(row)}</td>`)}</tr>`)}</tbody>
          </table>
        </div>`
      : nothing}
    ${more ? html`<p class="small soft">${t("finding.more", { n: more })}</p>` : nothing}
  </section>`;
}

export const toAsset = (uid: string, title: string): TemplateResult =>
  html`<a href=${keepQuery(`/assets/${uid}`, new URLSearchParams())}>${title}</a>`;

/** The list and the map of what is meant. */
export const toList = (filters: Partial<Filters>, words: string): TemplateResult =>
  html`<a href=${keepQuery("/", writeFilters({ ...NO_FILTERS, ...filters }))}>${words}</a>`;
