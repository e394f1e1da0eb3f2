/** One import: what was understood, where its rows would land, what becomes of each; then bringing it in, and undoing that. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { call, get, post } from "../api/client";
import type { Import, Landing } from "../api/desk-types";
import type { LonLat } from "../api/types";
import { day, label, number, t, time, type Word } from "../i18n";
import { theMap } from "../map/handle";
import { ask } from "../parts/dialog";
import { DeskView, officersOnly, panelOf } from "../parts/desk-view";
import { icon } from "../parts/icon";
import { Mapping } from "../parts/import-mapping";
import { ImportRows } from "../parts/import-rows";
import { outcomeMark } from "../parts/outcomes";
import { progressView } from "../parts/progress";
import { Verbs } from "../parts/verb";
import { go } from "../router";
import { events, isOfficer, kindOf, themeLabel, world } from "../state";
import { legendBox } from "./desk-legend";

const PAUSE_MS = 1000;
const BUSY = ["waiting", "previewing", "bringing-in", "undoing"];
/** The account in its order; the sum of these is what was read. */
const ACCOUNT = ["created", "updated", "already_there", "conflicts", "unplaced", "rejected"];
/** Counted besides, of rows that are in the account already, or of the release before. */
const BESIDES = ["duplicates", "outside", "swapped", "retired", "retired_in_conflict"];

class Imported extends DeskView {
  private run: Import | null = null;
  private mapping: Mapping | null = null;
  private readonly rows: ImportRows;
  private readonly verbs = new Verbs(this.redraw);
  /** State whose marks the map shows. */
  private drawn = "";

  constructor(...given: [ConstructorParameters<typeof DeskView>[0], HTMLElement]) {
    super(...given, "import.heading");
    this.rows = new ImportRows(this.path, this.redraw, this.asking.signal, () => this.placed());
  }

  private get path(): string {
    return `/imports/${this.now.params.uid ?? ""}`;
  }

  protected override title(): string {
    return this.run?.file_name ?? t("import.heading");
  }

  protected async load(): Promise<void> {
    if (!isOfficer(world.viewer)) return;
    const found = await get<Import>(this.path, undefined, this.asking.signal);
    this.run = found;
    if (this.mapping) this.mapping.take(found);
    else this.mapping = new Mapping(found, this.redraw);
    if (BUSY.includes(found.state)) this.again(PAUSE_MS);
    else await this.settle(found);
  }

  /** Nothing is under way: show where the rows land, and the rows. */
  private async settle(found: Import): Promise<void> {
    const state = `${found.state} ${JSON.stringify(found.counts)}`;
    if (state === this.drawn) return;
    const moved = this.drawn !== "";
    this.drawn = state;
    if (moved) events.tell("changed", null);
    this.redraw();
    if (found.state === "failed") return;
    await this.rows.begin(found.counts, found.state);
    const map = await theMap();
    const [landing, { OutcomeLayer }] = await Promise.all([
      get<Landing>(`${this.path}/map.geojson`, undefined, this.asking.signal),
      import("../map/outcome-layer"),
    ]);
    if (this.asking.signal.aborted) return;
    const points = landing.features.flatMap(({ geometry, properties: { is, title } }) =>
      geometry?.type === "Point" ? [{ at: geometry.coordinates, is, title: title ?? "" }] : [],
    );
    map.invite(points.length ? new OutcomeLayer(points) : null);
    const box = legendBox();
    if (box) render(legendOf(points.map(({ is }) => is)), box);
    const kept = points.filter(({ is }) => is !== "rejected");
    const places = (kept.length ? kept : points).map(({ at }): LonLat => at);
    if (places.length) map.fit(around(places));
  }

  private async placed(): Promise<void> {
    await this.read();
    void this.count();
  }

  protected body(): TemplateResult {
    if (!isOfficer(world.viewer)) return officersOnly();
    const found = this.run;
    if (!found) return html`<p class="busy" role="status">${this.problem ? nothing : t("loading")}</p>`;
    return html`<p class="soft">${this.says(found)}</p>
      <div class="import__state" role="status">${BUSY.includes(found.state) ? nothing : html`<p><span class="tag">${label("import-state", found.state)}</span> ${t(`import-says.${found.state}` as Word)}</p>`}</div>
      ${BUSY.includes(found.state) ? progressView(label("import-state", found.state), found.progress) : nothing}
      ${found.fault ? html`<p class="notice notice--bad" role="alert">${icon("triangle-alert")}<span>${found.fault}</span></p>` : nothing}
      ${this.understood(found)}
      ${found.state === "failed" || BUSY.includes(found.state) ? nothing : this.account(found, found.counts)}
      ${this.actions(found)}`;
  }

  private says({ kind, theme, source, created_at, by }: Import): string {
    const what = t("import.what", { kind: kind ? kindOf(kind).label_plural : t("import.no-kind"), theme: themeLabel(theme), source });
    return `${what} ${t("import.who", { who: by ?? t("somebody"), day: day(created_at), time: time(created_at) })}`;
  }

  private understood(found: Import): TemplateResult | typeof nothing {
    const open = found.state === "previewed" || found.state === "failed";
    if (!found.understood.length && !open) return nothing;
    return html`<section aria-labelledby="import-understood">
      <h2 id="import-understood">${t("import.understood")}</h2>
      ${found.understood.length ? html`<ul class="points">${[...found.understood, ...found.remarks].map((one) => html`<li>${one}</li>`)}</ul>` : html`<p class="soft">${t("import.nothing")}</p>`}
      ${open && this.mapping
        ? html`<details class="correct">
            <summary>${icon("pencil")}${t("import.correct")}${icon("chevron-down")}</summary>
            ${this.mapping.view()}
            <p class="buttons">${this.verbs.button({ key: "again", words: t("import.again"), style: this.mapping.changed ? "main" : "quiet", act: () => this.preview() })}</p>
            ${this.verbs.fault("again")}
          </details>`
        : nothing}
    </section>`;
  }

  /** Preview again with what the officer says; nothing was written yet, so nothing can be lost. */
  private async preview(): Promise<void> {
    if (!this.mapping) return;
    await call("PATCH", this.path, { body: this.mapping.news });
    this.mapping.sent();
    this.drawn = " ";
    await this.read();
  }

  private account(found: Import, counts: Record<string, number>): TemplateResult {
    const done = found.state === "done" || found.state === "undone";
    return html`<section aria-labelledby="import-account">
      <h2 id="import-account">${t(done ? "import.account" : "import.would")}</h2>
      <p>${t("import.sum", { n: counts.read ?? 0 })}</p>
      <dl class="account">
        ${[...ACCOUNT, ...BESIDES.filter((name) => counts[name])].map((name) => html`<div ?data-beside=${BESIDES.includes(name)}>
          <dt>${outcomeMark(singular(name))}${label("outcome", name)}</dt><dd>${number(counts[name] ?? 0)}</dd>
        </div>`)}
      </dl>
      ${this.rows.view()}
      ${counts.rejected ? html`<p class="buttons"><a class="button" href=${`/api/v1${this.path}/rejects.csv`} download>${icon("download")}${t("import.rejects")}</a></p>` : nothing}
    </section>`;
  }

  private actions({ state, counts }: Import): TemplateResult | typeof nothing {
    if (BUSY.includes(state)) return nothing;
    const some = ["created", "updated", "unplaced", "retired"].some((name) => counts[name]);
    const changed = this.mapping?.changed ?? false;
    return html`<div class="bottom desk__bottom">
        ${state === "previewed" && some && !changed
          ? this.verbs.button({ key: "confirm", words: t("import.confirm"), style: "main", act: () => this.step("confirm") })
          : nothing}
        ${state === "previewed" && changed ? html`<p class="soft">${t("import.changed")}</p>` : nothing}
        ${state === "done" ? this.verbs.button({ key: "undo", words: t("import.undo"), icon: "undo-2", act: this.askUndo }) : nothing}
        ${state === "previewed" || state === "failed"
          ? this.verbs.button({ key: "forget", words: t("import.forget"), style: "quiet", done: t("import.forgotten"), act: () => this.forget() })
          : nothing}
        <a class="button button--quiet" href="/desk/import">${icon("arrow-left")}${t("import.back")}</a>
      </div>
      ${this.verbs.fault("confirm", "undo", "forget")}`;
  }

  private async step(verb: "confirm" | "undo"): Promise<void> {
    await post(`${this.path}/${verb}`);
    await this.read();
  }

  private readonly askUndo = (): Promise<void> => {
    ask({
      key: `undo:${this.path}`, title: t("import.undo.title"), text: t("import.undo.text"), send: t("import.undo"), bad: true,
      submit: () => this.step("undo"),
    });
    return Promise.resolve();
  };

  private async forget(): Promise<void> {
    await call("DELETE", this.path);
    go("/desk/import");
  }

  protected override left(): void {
    this.rows.rest();
  }
}

/** The outcome of one row whose number a count is. */
const singular = (name: string): string => ({ conflicts: "conflict", duplicates: "duplicate" })[name] ?? name;

function legendOf(found: string[]): TemplateResult | typeof nothing {
  const counts = new Map<string, number>();
  for (const is of found) counts.set(is, (counts.get(is) ?? 0) + 1);
  if (!counts.size) return nothing;
  return html`<div class="legend"><ul>${[...counts].map(([is, n]) => html`<li>${outcomeMark(is)}${label("outcome", is)} (${number(n)})</li>`)}</ul></div>`;
}

function around(places: LonLat[]): [number, number, number, number] {
  const box: [number, number, number, number] = [180, 90, -180, -90];
  for (const [lon, lat] of places) {
    box[0] = Math.min(box[0], lon);
    box[1] = Math.min(box[1], lat);
    box[2] = Math.max(box[2], lon);
    box[3] = Math.max(box[3], lat);
  }
  return box;
}

export const { enter, leave } = panelOf((now, host) => new Imported(now, host));
