/** The ward figures: a table, a shaded map of any figure, and the files to take to a meeting. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { get, words } from "../api/client";
import type { Column, ReportRow, WardReport } from "../api/types";
import { day, number, t } from "../i18n";
import { ifMap, theMap } from "../map/handle";
import { icon } from "../parts/icon";
import { note, type Route, route } from "../router";
import { isOfficer, world } from "../state";
import { legend } from "./desk-legend";

let host: HTMLElement;
let report: WardReport | null = null;
let problem = "";
let figure = "total_assets";
/** Rows of the table that are drawn; a country has thousands. */
const PAGE = 200;
let drawn = PAGE;
let sort: { by: string; down: boolean } = { by: "ward_name", down: false };

export function enter(now: Route, into: HTMLElement): void {
  host = into;
  document.title = t("title.page", { page: t("desk.heading"), title: world.settings.title });
  figure = now.query.get("figure") ?? "total_assets";
  draw();
  void load();
}

export function leave(): void {
  ifMap((map) => map.shade(null));
  const box = document.getElementById("legend");
  if (box) render(nothing, box);
}

async function load(): Promise<void> {
  void theMap();
  try {
    report = await get<WardReport>("/reports/wards");
    problem = "";
    await shade();
  } catch (error) {
    problem = words(error);
  }
  draw();
}

async function shade(): Promise<void> {
  if (!report || route.name !== "desk") return;
  const values = new Map<string, number>();
  for (const row of report.rows) {
    const value = row[figure];
    if (row.ward_code && typeof value === "number" && !row.suppressed?.includes(figure)) values.set(row.ward_code, value);
  }
  const label = columns().find((one) => one.name === figure)?.label ?? figure;
  const map = await theMap();
  map.shade(values, label);
  const box = document.getElementById("legend");
  const wards = report.rows.filter((row) => row.ward_code).length;
  if (box) render(wards ? legend(label, [...values.values()], values.size < wards) : nothing, box);
}

const columns = (): Column[] => report?.columns.filter((column) => !column.name.startsWith("ward_")) ?? [];

/** The figure that the map shows stands first, so that both are seen together. */
const ordered = (): Column[] => columns().sort((one, other) => Number(other.name === figure) - Number(one.name === figure));

function choose(name: string): void {
  figure = name;
  note(new URLSearchParams({ figure }));
  draw();
  void shade();
}

function draw(): void {
  render(view(), host);
}

function view(): TemplateResult {
  if (problem) return html`<div class="desk"><p class="notice notice--bad" role="alert">${problem}</p></div>`;
  if (!report) return html`<p class="busy" role="status">${t("loading")}</p>`;
  const shown = columns().find((column) => column.name === figure);
  return html`<div class="desk">
    <h1>${t("desk.heading")}</h1>
    <p class="soft">${t("desk.lead", { day: day(report.at) })}</p>
    ${report.rows.some((row) => row.ward_code) ? nothing : html`<p class="notice notice--warm">${icon("info")}<span>${t("desk.no-wards")}</span></p>`}
    ${report.set?.illustrative ? html`<p class="notice notice--warm">${icon("info")}<span>${t("desk.illustrative")}</span></p>` : nothing}
    <div class="desk__tools">
      <div class="field">
        <label class="field__label" for="figure">${t("desk.figure")}</label>
        <select class="input" id="figure" @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}>
          ${columns().map((column) => html`<option value=${column.name} ?selected=${column.name === figure}>${column.label}</option>`)}
        </select>
      </div>
      <div class="buttons">
        <a class="button" href="/api/v1/reports/wards.csv" download>${icon("download")}CSV</a>
        <a class="button" href="/api/v1/reports/wards" download="wards.json">${icon("download")}JSON</a>
      </div>
    </div>
    ${shown?.definition ? html`<p class="small soft">${shown.definition}</p>` : nothing}
    ${table(report)} ${anySuppressed(report) ? html`<p class="small soft">${t("desk.suppressed")}</p>` : nothing}
    ${isOfficer(world.viewer) ? nothing : html`<p class="small soft">${t("desk.public")}</p>`}
  </div>`;
}

const anySuppressed = (of: WardReport): boolean => of.rows.some((row) => row.suppressed?.length);

function table(of: WardReport): TemplateResult {
  const wards = of.rows.filter((row) => row.ward_code).sort(compare);
  const apart = of.rows.filter((row) => !row.ward_code);
  return html`<div class="table-box" tabindex="0" role="region" aria-label=${t("desk.table")}>
    <table>
      <caption class="for-readers">${t("desk.table")}</caption>
      <thead>
        <tr>
          ${headCell("ward_name", t("desk.ward"))} ${ordered().map((column) => headCell(column.name, column.label))}
        </tr>
      </thead>
      <tbody>
        ${wards.slice(0, drawn).map((row) => line(row, row.ward_name))}
      </tbody>
      <tbody class="apart">
        ${apart.map((row) => line(row, row.ward_name))}
      </tbody>
      <tfoot>
        ${line({ ...of.totals, ward_code: "", ward_name: "" }, t("desk.total"))}
      </tfoot>
    </table>
  </div>
  ${wards.length > drawn
    ? html`<p class="buttons"><span class="soft" role="status">${t("desk.part", { shown: number(drawn), all: number(wards.length) })}</span>
        <button type="button" class="button" @click=${more}>${t("explore.more")}</button></p>`
    : nothing}`;
}

function more(): void {
  drawn += PAGE;
  draw();
}

function headCell(name: string, words: string): TemplateResult {
  const on = sort.by === name;
  const order = on ? (sort.down ? "descending" : "ascending") : "none";
  return html`<th scope="col" aria-sort=${order} ?data-shown=${name === figure}>
    <button type="button" @click=${() => reorder(name)}>
      ${words}${icon(on && sort.down ? "chevron-down" : "chevron-up")}
    </button>
  </th>`;
}

function reorder(name: string): void {
  sort = { by: name, down: sort.by === name ? !sort.down : name !== "ward_name" };
  draw();
}

function compare(one: ReportRow, other: ReportRow): number {
  const [first, second] = [one[sort.by], other[sort.by]];
  const order =
    typeof first === "number" || typeof second === "number"
      ? Number(first ?? -1) - Number(second ?? -1)
      : String(first).localeCompare(String(second));
  return sort.down ? -order : order;
}

function line(row: ReportRow, name: string): TemplateResult {
  const point = (on: boolean) => (): void => ifMap((map) => map.areas.outline(on && row.ward_code ? [row.ward_code] : []));
  return html`<tr @mouseenter=${point(true)} @mouseleave=${point(false)}>
    <th scope="row">${name}</th>
    ${ordered().map((column) => html`<td ?data-shown=${column.name === figure}>${cell(row, column.name)}</td>`)}
  </tr>`;
}

function cell(row: ReportRow, name: string): string | TemplateResult {
  const value = row[name];
  if (row.suppressed?.includes(name) || value === null || value === undefined)
    return html`<span aria-label=${t("desk.not-shown")}>–</span>`;
  if (value === 0) return html`<span class="nought">0</span>`;
  return typeof value === "number" ? number(value) : String(value);
}
