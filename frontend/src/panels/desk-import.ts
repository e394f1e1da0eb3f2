/** Bringing in a file: choose it, say what it holds; and what was brought in before. */

import { html, nothing, type TemplateResult } from "lit-html";
import { aborted, get, words } from "../api/client";
import type { Import, Source } from "../api/desk-types";
import { upload } from "../api/upload";
import type { Items } from "../api/types";
import { day, label, number, t } from "../i18n";
import { theMap } from "../map/handle";
import { DeskView, officersOnly, panelOf } from "../parts/desk-view";
import { icon } from "../parts/icon";
import { progressView } from "../parts/progress";
import { go } from "../router";
import { isOfficer, kindOf, world } from "../state";

/** What the service can read, for the file dialog. */
const ENDINGS = ".csv,.tsv,.txt,.xlsx,.geojson,.json,.kml,.kmz,.gpx,.gpkg,.zip";
const MOST_BYTES = 64_000_000;

class Imports extends DeskView {
  private list: Import[] | null = null;
  private next: string | null = null;
  private sources: Source[] = [];
  private file: File | null = null;
  private sent: number | null = null;
  private fault = "";
  private kind = "";
  private theme = "other";
  private source = "";

  constructor(...given: [ConstructorParameters<typeof DeskView>[0], HTMLElement]) {
    super(...given, "imports.heading");
  }

  protected async load(): Promise<void> {
    if (!isOfficer(world.viewer)) return;
    void theMap();
    const { signal } = this.asking;
    const page = await get<Items<Import>>("/imports", undefined, signal);
    [this.list, this.next] = [page.items, page.next];
    this.sources = (await get<Items<Source>>("/sources", undefined, signal)).items;
  }

  protected body(): TemplateResult {
    if (!isOfficer(world.viewer)) return officersOnly();
    return html`<p class="soft">${t("imports.lead")}</p>
      ${this.formView()}
      <h2>${t("imports.before")}</h2>
      ${this.list ? this.listView(this.list) : html`<p class="busy" role="status">${this.problem ? nothing : t("loading")}</p>`}`;
  }

  private formView(): TemplateResult {
    return html`<form class="form import-form" @submit=${this.send}>
      <div class="field">
        <label class="field__label" for="import-file">${t("imports.file")}</label>
        <span class="field__hint" id="import-file-hint">${t("imports.file.hint")}</span>
        <input class="input input--file" type="file" id="import-file" accept=${ENDINGS} required aria-describedby="import-file-hint"
          @change=${this.choose} />
      </div>
      ${this.kindView()}
      ${this.choice("import-theme", t("imports.theme"), this.theme, themes(), (value) => (this.theme = value))}
      <div class="field">
        <label class="field__label" for="import-source">${t("imports.source")} <span class="soft">${t("field.optional")}</span></label>
        <span class="field__hint" id="import-source-hint">${t("imports.source.hint")}</span>
        <input class="input" id="import-source" list="import-sources" maxlength="120" autocomplete="off" aria-describedby="import-source-hint"
          .value=${this.source} @input=${this.name} />
        <datalist id="import-sources">${this.sources.map(({ name }) => html`<option value=${name}></option>`)}</datalist>
      </div>
      <div role="alert">${this.fault ? html`<p class="notice notice--bad">${icon("triangle-alert")}<span>${this.fault} ${t("imports.kept-nothing")}</span></p>` : nothing}</div>
      ${this.sent === null ? nothing : progressView(t("imports.sending"), { share: this.sent })}
      <p class="buttons"><button class="button button--main" aria-busy=${String(this.sent !== null)}>${icon("upload")}${t("imports.send")}</button></p>
    </form>`;
  }

  /** A list that was brought in before keeps its kind; of a new one nobody but the officer knows it. */
  private kindView(): TemplateResult {
    const before = this.sources.find(({ name }) => name === (this.source.trim() || labelOf(this.file?.name ?? "")))?.kind;
    const none = before ? t("imports.as-before", { kind: kindOf(before).label_plural }) : t("mapping.choose");
    return this.choice("import-kind", t("imports.kind"), this.kind, [["", none], ...kinds()], (value) => (this.kind = value), !before);
  }

  private choice(id: string, words: string, now: string, options: [string, string][], take: (value: string) => void, required = false): TemplateResult {
    return html`<div class="field">
      <label class="field__label" for=${id}>${words}</label>
      <select class="input" id=${id} ?required=${required} @change=${(event: Event) => take((event.target as HTMLSelectElement).value)}>
        ${options.map(([value, name]) => html`<option value=${value} ?selected=${value === now}>${name}</option>`)}
      </select>
    </div>`;
  }

  private readonly choose = (event: Event): void => {
    this.file = (event.target as HTMLInputElement).files?.[0] ?? null;
    const size = this.file?.size ?? 1;
    this.fault = size > MOST_BYTES ? t("imports.too-large", { n: MOST_BYTES / 1_000_000 }) : size ? "" : t("imports.empty");
    this.redraw();
  };

  private readonly name = (event: Event): void => {
    this.source = (event.target as HTMLInputElement).value;
    this.redraw();
  };

  private readonly send = (event: Event): void => {
    event.preventDefault();
    if (this.sent !== null || this.fault || !this.file) return;
    void this.bring(this.file);
  };

  private async bring(file: File): Promise<void> {
    const query = new URLSearchParams({ file_name: file.name, theme: this.theme });
    if (this.kind) query.set("kind", this.kind);
    if (this.source.trim()) query.set("source", this.source.trim());
    this.sent = 0;
    this.redraw();
    try {
      const tell = (share: number): void => {
        this.sent = share;
        this.redraw();
      };
      const made = await upload<Import>(`/imports?${query.toString()}`, file, tell, this.asking.signal);
      go(`/desk/import/${made.uid}`);
    } catch (error) {
      if (aborted(error)) return;
      this.fault = words(error);
    }
    this.sent = null;
    this.redraw();
  }

  private listView(list: Import[]): TemplateResult {
    if (!list.length) return html`<p class="soft">${t("imports.none")}</p>`;
    const title = t("imports.before");
    return html`<div class="table-box" tabindex="0" role="region" aria-label=${title}>
      <table class="table--words">
        <caption class="for-readers">${title}</caption>
        <thead><tr><th scope="col">${t("imports.file")}</th><th scope="col">${t("imports.state")}</th>
          <th scope="col">${t("imports.when")}</th><th scope="col" class="number">${t("outcome.read")}</th>
          <th scope="col" class="number">${t("outcome.created")}</th></tr></thead>
        <tbody>${list.map((one) => line(one))}</tbody>
      </table>
    </div>
    ${this.next ? html`<p class="buttons"><button type="button" class="button" @click=${() => void this.more()}>${t("explore.more")}</button></p>` : nothing}`;
  }

  private async more(): Promise<void> {
    try {
      const page = await get<Items<Import>>(this.next ?? "", undefined, this.asking.signal);
      this.list = [...(this.list ?? []), ...page.items];
      this.next = page.next;
    } catch (error) {
      if (!aborted(error)) this.problem = words(error);
    }
    this.redraw();
  }
}

const line = ({ uid, file_name, state, created_at, counts }: Import): TemplateResult => html`<tr>
  <th scope="row"><a href=${`/desk/import/${uid}`}>${file_name}</a></th>
  <td data-head=${t("imports.state")}>${label("import-state", state)}</td>
  <td data-head=${t("imports.when")}>${day(created_at)}</td>
  <td data-head=${t("outcome.read")} class="number">${number(counts.read ?? 0)}</td>
  <td data-head=${t("outcome.created")} class="number">${number(counts.created ?? 0)}</td>
</tr>`;

/** What a list is called that nobody named: as the service does it. */
const labelOf = (file: string): string => file.replace(/\.gz$/, "").replace(/\.[^.]*$/, "");

const kinds = (): [string, string][] => world.kinds.map(({ name, label_plural }) => [name, label_plural]);
const themes = (): [string, string][] => world.themes.map(({ name, label: words }) => [name, words]);

export const { enter, leave } = panelOf((now, host) => new Imports(now, host));
