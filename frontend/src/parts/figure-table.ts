/** The table of figures: a row per area, sorted by any column, with the change since the period before. */

import { html, nothing, type TemplateResult } from "lit-html";
import { areaRows, before, namesakes, valueIn } from "../api/reports";
import type { Column, ReportRow, WardReport } from "../api/desk-types";
import { number, t } from "../i18n";
import { ifMap } from "../map/handle";
import { icon } from "./icon";

/** Rows of the table that are drawn; a country has thousands. */
const PAGE = 200;
const NAME = "ward_name";

export class FigureTable {
  private drawn = PAGE;
  private sort = { by: NAME, down: false };

  constructor(private readonly redraw: () => void) {}

  /** Show these columns, the chosen one marked. */
  view(report: WardReport, columns: Column[], figure: string, caption: string): TemplateResult {
    const rows = areaRows(report).sort(this.compare);
    const twice = namesakes(rows);
    const line = (row: ReportRow, name: string, code: string | null): TemplateResult =>
      html`<tr @mouseenter=${() => point(code)} @mouseleave=${() => point(null)}>
        <th scope="row">${name}${twice.has(name) && row.ward_code ? html` <span class="soft small">${row.ward_code}</span>` : nothing}</th>
        ${columns.map((column) => html`<td ?data-shown=${column.name === figure}>${cell(report, row, column, code)}</td>`)}
      </tr>`;
    return html`<div class="table-box" tabindex="0" role="region" aria-label=${caption}>
      <table>
        <caption class="for-readers">${caption}</caption>
        <thead>
          <tr>${this.head(NAME, t("desk.ward"), figure)} ${columns.map(({ name, label }) => this.head(name, label, figure))}</tr>
        </thead>
        <tbody>${rows.slice(0, this.drawn).map((row) => line(row, row.ward_name, row.ward_code))}</tbody>
        <tbody class="apart">${report.rows.filter((row) => !row.ward_code).map((row) => line(row, row.ward_name, ""))}</tbody>
        <tfoot>${line({ ...report.totals, ward_code: "", ward_name: "" }, t("desk.total"), null)}</tfoot>
      </table>
    </div>
    ${this.rest(rows.length)}`;
  }

  private rest(all: number): TemplateResult | typeof nothing {
    if (all <= this.drawn) return nothing;
    return html`<p class="buttons"><span class="soft" role="status">${t("desk.part", { shown: number(this.drawn), all: number(all) })}</span>
      <button type="button" class="button" @click=${this.more}>${t("explore.more")}</button></p>`;
  }

  private readonly more = (): void => {
    this.drawn += PAGE;
    this.redraw();
  };

  private head(name: string, words: string, figure: string): TemplateResult {
    const on = this.sort.by === name;
    const order = on ? (this.sort.down ? "descending" : "ascending") : "none";
    return html`<th scope="col" aria-sort=${order} data-head=${words} ?data-shown=${name === figure}>
      <button type="button" @click=${() => this.reorder(name)}>
        <span>${words}</span>${icon(on && this.sort.down ? "chevron-down" : "chevron-up")}
      </button>
    </th>`;
  }

  private reorder(by: string): void {
    this.sort = { by, down: this.sort.by === by ? !this.sort.down : by !== NAME };
    this.redraw();
  }

  private readonly compare = (one: ReportRow, other: ReportRow): number => {
    const { by, down } = this.sort;
    const order = by === NAME
      ? one.ward_name.localeCompare(other.ward_name)
      : (valueIn(one, by) ?? -1) - (valueIn(other, by) ?? -1);
    return down ? -order : order;
  };
}

function cell(report: WardReport, row: ReportRow, { name }: Column, code: string | null): TemplateResult {
  const value = valueIn(row, name);
  if (value === null) return html`<span aria-hidden="true">–</span><span class="for-readers">${t("desk.not-shown")}</span>`;
  const change = changeView(value, before(report, code, name));
  return html`<span class=${value === 0 ? "nought" : ""}>${number(value)}</span>${report.before ? html` <span class="change">${change}</span>` : nothing}`;
}

/** How much more or less than before: "+3", in words for those who hear it. */
export function changeView(value: number, old: number | undefined): TemplateResult | typeof nothing {
  if (old === undefined || old === value) return nothing;
  const by = Math.abs(value - old);
  return html`<span aria-hidden="true">${value > old ? "+" : "−"}${number(by)}</span><span
    class="for-readers">, ${t(value > old ? "change.more" : "change.less", { n: by })}</span>`;
}

const point = (code: string | null): void => ifMap((map) => map.areas.outline(code ? [code] : []));
