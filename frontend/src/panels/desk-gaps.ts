/** Needs and gaps: what is asked for and not offered, what stands still, what is unused; and what a place is strong in. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Findings, NeedFound, WardReport } from "../api/desk-types";
import { readReport } from "../api/reports";
import { day, label, number, t } from "../i18n";
import { theMap } from "../map/handle";
import { AreaChoice } from "../parts/area-choice";
import { DeskView, panelOf } from "../parts/desk-view";
import { type Finding, findingView, toAsset, toList } from "../parts/finding-list";
import { kindOf, themeLabel } from "../state";

class Gaps extends DeskView {
  private report: WardReport | null = null;
  private readonly names = new Map<string, string>();
  private readonly areas: AreaChoice;

  constructor(...given: [ConstructorParameters<typeof DeskView>[0], HTMLElement]) {
    super(...given, "gaps.heading");
    this.areas = new AreaChoice(this.now.query, this.redraw, () => void this.read());
  }

  protected async load(): Promise<void> {
    void theMap();
    const { codes } = this.areas;
    const report = await readReport({ areas: codes }, this.asking.signal);
    if (codes.join() !== this.areas.codes.join()) return;
    for (const row of report.rows) this.names.set(row.ward_code, row.ward_name);
    this.report = report;
  }

  protected body(): TemplateResult {
    const { report } = this;
    return html`<div class="desk__tools">${this.areas.view()}</div>
      ${report?.findings
        ? html`<p class="desk__when soft" role="status">${t("desk.counted", { areas: this.areas.name, day: day(report.at) })}</p>
            ${this.lists(report.findings)}`
        : html`<p class="busy" role="status">${this.problem ? nothing : t("loading")}</p>`}`;
  }

  private lists(found: Findings): TemplateResult {
    const { more } = found;
    return html`
      ${findingView(this.needs("blocking_needs", found.blocking_needs, more.blocking_needs ?? 0))}
      ${findingView(this.needs("needs_without_offers", found.needs_without_offers, more.needs_without_offers ?? 0))}
      ${findingView(this.themes(found))} ${findingView(this.spaces(found))} ${findingView(this.strengths(found))}
      ${findingView(this.areaWide(found))}
    `;
  }

  private readonly ward = (code: string | null): string => (code && (this.names.get(code) ?? code)) || t("gaps.no-ward");

  private needs(key: "blocking_needs" | "needs_without_offers", rows: NeedFound[], more: number): Finding<NeedFound> {
    return {
      ...said(key), rows, more,
      columns: [
        [t("gaps.need"), (row) => toAsset(row.asset, row.title)],
        [t("gaps.asked-by"), (row) => row.asset_title],
        [t("gaps.need-kind"), (row) => label("need-kind", row.kind)],
        [t("desk.ward"), (row) => this.ward(row.ward_code)],
        [t("gaps.report-back"), (row) => (row.report_back_on ? day(row.report_back_on) : "–")],
      ],
    };
  }

  private themes({ themes_without_projects: rows, more }: Findings): Finding<Findings["themes_without_projects"][0]> {
    return {
      ...said("themes_without_projects"), rows, more: more.themes_without_projects ?? 0,
      columns: [
        [t("gaps.theme"), ({ ward_code, theme }) => toList({ ward: [ward_code], theme: [theme], kind: ["idea"] }, themeLabel(theme))],
        [t("desk.ward"), (row) => this.ward(row.ward_code)],
        [t("gaps.ideas"), (row) => number(row.ideas), "number"],
      ],
    };
  }

  private spaces({ unused_spaces: rows, more }: Findings): Finding<Findings["unused_spaces"][0]> {
    return {
      ...said("unused_spaces"), rows, more: more.unused_spaces ?? 0,
      columns: [
        [t("gaps.space"), (row) => toAsset(row.asset, row.title)],
        [t("desk.ward"), (row) => this.ward(row.ward_code)],
      ],
    };
  }

  private strengths({ strengths: rows, more }: Findings): Finding<Findings["strengths"][0]> {
    return {
      ...said("strengths"), rows, more: more.strengths ?? 0,
      columns: [
        [t("gaps.theme"), ({ ward_code, theme }) => toList({ ward: [ward_code], theme: [theme] }, themeLabel(theme))],
        [t("desk.ward"), (row) => this.ward(row.ward_code)],
        [t("gaps.assets"), (row) => number(row.assets), "number"],
        [t("gaps.times"), (row) => t("gaps.times-of", { times: row.times_average }), "number"],
      ],
    };
  }

  private areaWide({ area_wide: rows, more }: Findings): Finding<Findings["area_wide"][0]> {
    return {
      ...said("area_wide"), rows, more: more.area_wide ?? 0,
      columns: [
        [t("gaps.what"), (row) => toAsset(row.asset, row.title)],
        [t("gaps.kind"), (row) => kindOf(row.kind).label],
        [t("gaps.area"), (row) => row.area_name],
        [t("gaps.level"), (row) => label("level", row.level)],
      ],
    };
  }
}

type Name = Exclude<keyof Findings, "more">;

const said = (key: Name): { key: string; title: string; hint: string; none: string } => ({
  key, title: t(`gaps.${key}`), hint: t(`gaps.${key}.hint`), none: t(`gaps.${key}.none`),
});

export const { enter, leave } = panelOf((now, host) => new Gaps(now, host));
