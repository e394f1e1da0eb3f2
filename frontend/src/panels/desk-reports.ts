/** Reports to take to a meeting: choose what is in it; a small one comes at once, a large one is made and waits here. */

import { html, nothing, type TemplateResult } from "lit-html";
import { ApiError, call, get, post, words } from "../api/client";
import type { BoundarySet, ReportJob } from "../api/desk-types";
import { daysAgo, queryOf } from "../api/reports";
import { fetchFile, handOver } from "../api/files";
import type { Field, Items } from "../api/types";
import { day, label, number, t, time } from "../i18n";
import { theMap } from "../map/handle";
import { AreaChoice } from "../parts/area-choice";
import { DeskView, panelOf } from "../parts/desk-view";
import { Form, type Values } from "../parts/form";
import { icon } from "../parts/icon";
import { progressView } from "../parts/progress";
import { signInAddress } from "../parts/visitor";
import { world } from "../state";

const FORMATS = ["pdf", "brief", "xlsx", "csv", "geojson", "gpkg", "json"];
const LEVELS = ["neighbourhood", "ward", "borough", "county", "region", "country"];
const PAUSE_MS = 1500;

class Reports extends DeskView {
  private sets: BoundarySet[] = [];
  private jobs: ReportJob[] = [];
  private large: Values | null = null;
  private said = "";
  private form: Form | null = null;
  private readonly areas: AreaChoice;

  constructor(...given: [ConstructorParameters<typeof DeskView>[0], HTMLElement]) {
    super(...given, "reports.heading");
    this.areas = new AreaChoice(this.now.query, this.redraw, this.redraw);
  }

  protected async load(): Promise<void> {
    const { signal } = this.asking;
    if (!this.form) {
      void theMap();
      this.sets = (await get<Items<BoundarySet>>("/boundary-sets", undefined, signal)).items;
      this.form = this.makeForm();
    }
    if (world.viewer) this.jobs = (await get<Items<ReportJob>>("/reports/jobs", undefined, signal)).items;
    if (this.jobs.some(({ state }) => state === "waiting" || state === "working")) this.again(PAUSE_MS);
  }

  private makeForm(): Form {
    return new Form({
      key: "desk-report", fields: this.fields(), send: t("reports.make"), people: false, redraw: this.redraw,
      initial: { format: "pdf", level: "ward", set: "", at: null, since: null },
      submit: (values) => this.make(values),
    });
  }

  private fields(): Field[] {
    const choice = (name: "format" | "level" | "set", options: [string, string][]): Field => ({
      name, label: t(`reports.${name}`), type: "choice", required: name !== "set",
      options: options.map(([value, words]) => ({ value, label: words })),
    });
    const levels = LEVELS.filter((level) => level === "ward" || this.sets.some((set) => set.level === level));
    return [
      choice("format", FORMATS.map((one) => [one, label("format", one)])),
      choice("level", levels.map((one) => [one, label("level", one)])),
      choice("set", [["", t("reports.set.now")], ...this.sets.map(({ name, level }): [string, string] => [name, `${name} (${label("level", level)})`])]),
      { name: "at", label: t("reports.at"), hint: t("reports.at.hint"), type: "date" },
      { name: "since", label: t("reports.since"), hint: t("reports.since.hint"), type: "date" },
    ];
  }

  /** Fetch it; what is too large to be made at once is offered to be ordered. */
  private async make(values: Values): Promise<void> {
    this.large = null;
    this.form?.rebase(values); // the next is often the same in another format
    this.said = t("reports.making");
    this.redraw();
    try {
      const file = await fetchFile(this.address(values), this.asking.signal);
      handOver(file);
      this.said = t("reports.made", { name: file.name });
    } catch (error) {
      this.said = "";
      if (!(error instanceof ApiError) || error.status !== 413) throw error;
      this.large = values;
      if (world.viewer) await this.order();
    }
  }

  private address(values: Values): string {
    const { format } = values;
    const ending = format === "json" ? "" : format === "brief" ? "/brief.pdf" : `.${String(format)}`;
    return `/reports/wards${ending}?${new URLSearchParams(this.query(values)).toString()}`;
  }

  private query({ level, set, at, since }: Values): Record<string, string> {
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    return queryOf({ areas: this.areas.codes, level: text(level), set: text(set), at: text(at), since: text(since) });
  }

  private readonly order = async (): Promise<void> => {
    const values = this.large;
    if (!values) return;
    const { area, ...asked } = this.query(values);
    await post("/reports/jobs", { report: "wards", format: values.format, ...asked, ...(area && { areas: area.split(",") }) });
    this.large = null;
    this.said = t("reports.ordered");
    await this.read();
  };

  protected body(): TemplateResult {
    return html`<p class="soft">${t("reports.lead")}</p>
      <div class="desk__tools">${this.areas.view()}</div>
      ${this.form ? html`<p class="buttons"><span class="field__label">${t("desk.compare")}</span> ${PERIODS.map((days) => this.preset(days))}</p>${this.form.view()}` : nothing}
      <p role="status" class="soft">${this.said}</p>
      ${this.large && !world.viewer
        ? html`<p class="notice notice--warm">${icon("info")}<span>${t("reports.large")} <a href=${signInAddress()}>${t("nav.sign-in")}</a></span></p>`
        : nothing}
      ${this.jobs.length ? html`<h2>${t("reports.jobs")}</h2><ul class="jobs">${this.jobs.map((job) => this.jobView(job))}</ul>` : nothing}`;
  }

  private preset(days: number): TemplateResult {
    return html`<button type="button" class="chip" aria-pressed=${String(this.form?.get("since") === daysAgo(days))} @click=${() => this.period(days)}>${label("desk.period", String(days))}</button>`;
  }

  private period(days: number): void {
    this.form?.set("since", daysAgo(days));
    this.redraw();
  }

  private jobView(job: ReportJob): TemplateResult {
    const title = job.name ?? label("format", job.format);
    return html`<li class="job">
      <div><strong>${title}</strong>
        <span class="small soft">${label("format", job.format)}, ${t("reports.ordered-at", { day: day(job.created_at), time: time(job.created_at) })}</span>
        ${stateOf(job)}
      </div>
      <div class="buttons">
        ${job.file
          ? html`<a class="button button--main" href=${job.file} download>${icon("download")}${t("reports.download")}<span
              class="for-readers"> ${title}</span></a>`
          : nothing}
        <button type="button" class="button button--quiet" @click=${() => void this.remove(job)}>${t(job.file ? "reports.forget" : "reports.give-up")}<span
          class="for-readers"> ${title}</span></button>
      </div>
    </li>`;
  }

  private async remove({ uid }: ReportJob): Promise<void> {
    try {
      await call("DELETE", `/reports/jobs/${uid}`);
      await this.read();
    } catch (error) {
      this.problem = words(error);
      this.redraw();
    }
  }
}

const PERIODS = [30, 90, 365];

function stateOf({ state, progress, fault, size, expires_at }: ReportJob): TemplateResult {
  if (state === "waiting" || state === "working") return progressView(t(`job.${state}`), progress);
  if (state !== "done") return html`<p class="field__error">${icon("triangle-alert")}${fault ?? t(`job.${state}`)}</p>`;
  const megabytes = (size ?? 0) / 1_000_000;
  return html`<p class="small">${t("job.done", { size: megabytes < 0.1 ? t("job.small") : t("job.megabytes", { n: number(megabytes) }) })}
    ${expires_at ? t("job.until", { day: day(expires_at), time: time(expires_at) }) : nothing}</p>`;
}

export const { enter, leave } = panelOf((now, host) => new Reports(now, host));
