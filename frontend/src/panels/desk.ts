/** The figures of some areas or of the whole: headlines, a shaded map of any figure, bars, and the table of them all. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { get } from "../api/client";
import type { Column, WardReport } from "../api/desk-types";
import { areaRows, before, daysAgo, grouped, namesakes, readReport, valueIn } from "../api/reports";
import type { Area, Box, Items } from "../api/types";
import { day, label, number, t } from "../i18n";
import { theMap } from "../map/handle";
import { steps } from "../map/shades";
import { AreaChoice } from "../parts/area-choice";
import { type Bar, chart } from "../parts/chart";
import { DeskView, panelOf } from "../parts/desk-view";
import { changeView, FigureTable } from "../parts/figure-table";
import { icon } from "../parts/icon";
import { type Plan, planView, readPlan } from "../parts/plan";
import { isOfficer, world } from "../state";
import { legend, legendBox } from "./desk-legend";

const FIRST = "total_assets";
/** What a meeting asks first, as far as the report has it. */
const HEADLINES = [
  FIRST, "new_assets", "appreciations", "open_needs", "met_needs", "gap_needs_without_offers", "proposals_accepted", "hours_given",
];
/** Periods that can be compared with the one before, in days. */
const PERIODS = [30, 90, 365];
/** Bars of a chart. */
const MOST_BARS = 10;

class Dashboard extends DeskView {
  private report: WardReport | null = null;
  /** Another report is on its way, and the one that is shown answers what was asked before. */
  private waits = false;
  private plan: Plan | null = null;
  private figure: string;
  private since: string;
  private readonly areas: AreaChoice;
  private readonly table = new FigureTable(this.redraw);

  constructor(...given: [ConstructorParameters<typeof DeskView>[0], HTMLElement]) {
    super(...given, "desk.heading");
    const { query } = this.now;
    this.figure = query.get("figure") ?? FIRST;
    this.since = query.get("since") ?? "";
    this.areas = new AreaChoice(query, this.redraw, () => void this.askAgain());
  }

  private async askAgain(): Promise<void> {
    this.waits = true;
    this.redraw();
    await this.read();
    if (!this.problem) return;
    this.waits = false;
    this.redraw();
  }

  protected async load(): Promise<void> {
    const map = theMap();
    const { signal } = this.asking;
    const { codes } = this.areas;
    const { since } = this;
    const report = await readReport({ areas: codes, since }, signal);
    const box = await boxOf(codes, signal);
    if (codes.join() !== this.areas.codes.join()) return;
    if (since !== this.since) return;
    this.report = report;
    this.waits = false;
    this.redraw();
    await this.shade();
    if (box) (await map).fit(box);
    // Without the drawing the table still says everything.
    this.plan = box && (await readPlan(report.level, box, signal).catch(() => null));
  }

  private async shade(): Promise<void> {
    const map = await theMap();
    if (!this.report || this.asking.signal.aborted) return;
    const values = this.values();
    map.shade(values, this.column()?.label ?? this.figure);
    const box = legendBox();
    if (box) render(this.key("legend"), box);
  }

  /** The figure of each area that may be shown. */
  private values(): Map<string, number> {
    const rows = this.report ? areaRows(this.report) : [];
    const pairs = rows.map((row): [string, number | null] => [row.ward_code, valueIn(row, this.figure)]);
    return new Map(pairs.filter((pair): pair is [string, number] => pair[1] !== null));
  }

  private column(): Column | undefined {
    return this.report?.columns.find(({ name }) => name === this.figure);
  }

  /** What the shades mean. */
  private key(style: "legend" | "key"): TemplateResult | typeof nothing {
    const values = this.values();
    const rows = this.report ? areaRows(this.report).length : 0;
    return rows ? legend(this.column()?.label ?? this.figure, [...values.values()], values.size < rows, style) : nothing;
  }

  private choose(name: string): void {
    this.figure = name;
    this.areas.keep("figure", name);
    this.redraw();
    void this.shade();
  }

  private compareWith(since: string): void {
    this.since = since;
    this.areas.keep("since", since);
    void this.askAgain();
  }

  protected body(): TemplateResult {
    const { report } = this;
    return html`<div class="desk__tools">${this.areas.view()} ${this.periodView()}</div>
      ${report ? this.reportView(report) : html`<p class="busy" role="status">${this.problem ? nothing : t("loading")}</p>`}`;
  }

  private periodView(): TemplateResult {
    const offered = PERIODS.map((days): [string, string] => [daysAgo(days), label("desk.period", String(days))]);
    if (this.since && !offered.some(([since]) => since === this.since)) offered.push([this.since, day(this.since)]);
    return html`<div class="field">
      <label class="field__label" for="desk-since">${t("desk.compare")}</label>
      <select class="input" id="desk-since" @change=${(event: Event) => this.compareWith((event.target as HTMLSelectElement).value)}>
        <option value="" ?selected=${!this.since}>${t("desk.compare.not")}</option>
        ${offered.map(([since, words]) => html`<option value=${since} ?selected=${since === this.since}>${words}</option>`)}
      </select>
    </div>`;
  }

  private reportView(report: WardReport): TemplateResult {
    const column = this.column() ?? report.columns[0];
    return html`<p class="desk__when soft" role="status">${this.waits ? t("desk.counting") : this.says(report)}</p>
      ${this.notices(report)}
      <dl class="headlines" aria-busy=${String(this.waits)}>${HEADLINES.map((name) => this.headline(report, name))}</dl>
      ${this.figureView(report)}
      ${column ? html`<p class="small soft">${column.definition}</p>` : nothing}
      <section class="desk__pictures" aria-label=${column?.label ?? ""}>
        ${this.planFigure()} ${column ? this.byArea(report, column) : nothing}
      </section>
      ${column ? this.tableView(report, column) : nothing}
      ${column ? this.byColumn(report, column) : nothing}
      ${isOfficer(world.viewer) ? nothing : html`<p class="small soft">${t("desk.public")}</p>`}`;
  }

  private says(report: WardReport): string {
    const counted = t("desk.counted", { areas: this.areas.name, day: day(report.at) });
    const old = report.before;
    return old ? `${counted} ${t("desk.compared", { from: day(old.from), to: day(old.to) })}` : counted;
  }

  private notices(report: WardReport): TemplateResult {
    const warm = (text: string): TemplateResult => html`<p class="notice notice--warm">${icon("info")}<span>${text}</span></p>`;
    return html`${areaRows(report).length ? nothing : warm(t("desk.no-wards"))}
      ${report.set?.illustrative ? warm(t("desk.illustrative")) : nothing}`;
  }

  private headline(report: WardReport, name: string): TemplateResult | typeof nothing {
    const column = report.columns.find((one) => one.name === name);
    const value = valueIn(report.totals, name);
    if (!column || value === null) return nothing;
    return html`<div><dt>${column.label}</dt><dd>${number(value)} <span class="change">${changeView(value, before(report, null, name))}</span></dd></div>`;
  }

  private figureView(report: WardReport): TemplateResult {
    return html`<div class="field desk__figure">
      <label class="field__label" for="desk-figure">${t("desk.figure")}</label>
      <select class="input" id="desk-figure" @change=${(event: Event) => this.choose((event.target as HTMLSelectElement).value)}>
        ${[...grouped(report.columns)].map(([group, columns]) => html`<optgroup label=${label("desk.group", group)}>
          ${columns.map(({ name, label: words }) => html`<option value=${name} ?selected=${name === this.figure}>${words}</option>`)}
        </optgroup>`)}
      </select>
    </div>`;
  }

  private planFigure(): TemplateResult | typeof nothing {
    if (!this.plan || !this.report) return nothing;
    const values = this.values();
    const step = steps([...values.values()]);
    const shades = areaRows(this.report).map(({ ward_code: code }): [string, number | null] => {
      const value = values.get(code);
      return [code, value === undefined ? null : step(value)];
    });
    return html`<figure class="desk__plan">
      ${planView(this.plan, new Map(shades), this.column()?.label ?? "")}${this.key("key")}
      <figcaption class="small soft">${world.settings.attribution}</figcaption>
    </figure>`;
  }

  private byArea(report: WardReport, { name, label: words }: Column): TemplateResult | typeof nothing {
    const rows = areaRows(report);
    const twice = namesakes(rows);
    const bars = rows
      .map((row): Bar => ({ label: twice.has(row.ward_name) ? `${row.ward_name} (${row.ward_code})` : row.ward_name, value: valueIn(row, name), before: before(report, row.ward_code, name) ?? null }))
      .filter(({ value }) => value)
      .sort((one, other) => (other.value ?? 0) - (one.value ?? 0));
    if (bars.length < 2) return nothing;
    return chart(t(bars.length > MOST_BARS ? "chart.highest" : "chart.by-area", { figure: words }), bars.slice(0, MOST_BARS), {
      own: false, head: t("desk.ward"),
    });
  }

  private tableView(report: WardReport, column: Column): TemplateResult {
    const group = column.group ?? "assets";
    const columns = grouped(report.columns).get(group) ?? [];
    const hidden = report.rows.some((row) => columns.some(({ name }) => row.suppressed?.includes(name)));
    const title = t("desk.table", { group: label("desk.group", group) });
    return html`<h2>${title}</h2>
      ${this.table.view(report, columns, this.figure, title)}
      ${hidden ? html`<p class="small soft">${t("desk.suppressed")}</p>` : nothing}`;
  }

  /** The figures of this group side by side, where they can be. */
  private byColumn(report: WardReport, column: Column): TemplateResult | typeof nothing {
    const columns = (grouped(report.columns).get(column.group ?? "assets") ?? []).filter(
      ({ unit, name }) => unit === column.unit && name !== FIRST,
    );
    const bars = columns
      .map(({ name, label: words }): Bar => ({ label: words, value: valueIn(report.totals, name), before: before(report, null, name) ?? null }))
      .filter(({ value }) => value !== null);
    if (bars.length < 2) return nothing;
    return chart(t("chart.together", { group: label("desk.group", column.group ?? "assets"), areas: this.areas.name }), bars, {
      own: true, head: t("desk.figure-head"),
    });
  }
}

/** The box around these areas, or around all that there are; null where there are none. */
async function boxOf(codes: string[], signal: AbortSignal): Promise<Box | null> {
  if (!codes.length) return world.settings.bounds;
  const { items } = await get<Items<Area>>("/areas", { code: codes.join(","), limit: "200" }, signal);
  const boxes = items.map(({ bbox }) => bbox);
  if (!boxes.length) return null;
  const edge = (at: 0 | 1 | 2 | 3, pick: (...values: number[]) => number): number => pick(...boxes.map((box) => box[at]));
  return [edge(0, Math.min), edge(1, Math.min), edge(2, Math.max), edge(3, Math.max)];
}

export const { enter, leave } = panelOf((now, host) => new Dashboard(now, host));
