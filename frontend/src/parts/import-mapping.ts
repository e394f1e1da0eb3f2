/** What each column of a file means, for the officer to correct; and what else was said of the file. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Import } from "../api/desk-types";
import { label, t } from "../i18n";
import { world } from "../state";

/** What can be said of a file. */
interface Said {
  kind: string | null;
  theme: string;
  source: string | null;
  key: string | null;
  /** field → column */
  map: Record<string, string>;
  crs: string | null;
  /** Which sheet or layer, of a file that has several. */
  layer: string | null;
  /** True: however many; false: none; null: unless they are more than half. */
  retire: boolean | null;
}

const PLACES = ["columns", "none"];
const RETIRE: [value: string, meaning: boolean | null][] = [["null", null], ["true", true], ["false", false]];

export class Mapping {
  private said: Said;
  private changes: Partial<Said> = {};

  constructor(
    private read: Import,
    private readonly redraw: () => void,
  ) {
    this.said = saidOf(read);
  }

  /** Take what was read anew; what the officer is changing stays. */
  take(read: Import): void {
    this.read = read;
    this.said = { ...saidOf(read), layer: this.said.layer, retire: this.said.retire, ...this.changes };
  }

  /** True when something was changed here that the preview does not show yet. */
  get changed(): boolean {
    return Object.keys(this.changes).length > 0;
  }

  /** What the officer said, to be sent; of another kind, what only the former one has is not said any more. */
  get news(): Partial<Said> {
    const map = Object.entries(this.said.map).filter(([field]) => !this.changes.kind || !field.startsWith("details."));
    return { ...this.changes, ...((this.changes.map || this.changes.kind) && { map: Object.fromEntries(map) }) };
  }

  /** The service has it. */
  sent(): void {
    this.changes = {};
  }

  /** The fields, for a form. */
  view(): TemplateResult {
    const { said, read } = this;
    return html`<div class="mapping">
      ${this.choice("kind", t("imports.kind"), said.kind ?? "", kinds(said.kind), (kind) => this.say({ kind }))}
      ${this.choice("theme", t("imports.theme"), said.theme, world.themes.map((one) => [one.name, one.label]), (theme) => this.say({ theme }))}
      ${this.text("source", t("imports.source"), t("imports.source.hint"), said.source, (source) => this.say({ source }))}
      ${this.choice("key", t("mapping.key"), said.key ?? "", [["", t("mapping.no-key")], ...read.columns.map(({ name }): [string, string] => [name, name])],
        (key) => this.say({ key: key || null }), t("mapping.key.hint"))}
      ${this.text("crs", t("mapping.crs"), t("mapping.crs.hint"), said.crs, (crs) => this.say({ crs }))}
      ${this.choice("places", t("mapping.places"), this.nowhere ? "none" : "columns", PLACES.map((value) => [value, label("mapping.places", value)]),
        (value) => this.keep(value === "none"), t("mapping.places.hint"))}
      ${this.text("layer", t("mapping.layer"), t("mapping.layer.hint"), said.layer, (layer) => this.say({ layer }))}
      ${this.choice("retire", t("mapping.retire"), String(said.retire), RETIRE.map(([value]) => [value, label("mapping.retire", value)]),
        (value) => this.say({ retire: RETIRE.find(([one]) => one === value)?.[1] ?? null }), t("mapping.retire.hint"))}
    </div>
    ${this.read.columns.length ? this.columnsView() : nothing}`;
  }

  private columnsView(): TemplateResult {
    const title = t("mapping.columns");
    return html`<div class="table-box" tabindex="0" role="region" aria-label=${title}>
      <table class="table--words">
        <caption class="for-readers">${title}</caption>
        <thead><tr><th scope="col">${t("mapping.column")}</th><th scope="col">${t("mapping.samples")}</th><th scope="col">${t("mapping.means")}</th></tr></thead>
        <tbody>${this.read.columns.map(({ name, samples }, at) => html`<tr>
          <th scope="row" id=${`column-${at}`}>${name}</th>
          <td class="samples" data-head=${t("mapping.samples")}>${samples.slice(0, 3).join(" · ") || nothing}</td>
          <td data-head=${t("mapping.means")}><select class="input" aria-label=${t("mapping.of", { column: name })}
            @change=${(event: Event) => this.assign(name, (event.target as HTMLSelectElement).value)}>
            <option value="" ?selected=${!this.fieldOf(name)}>${t("mapping.nothing")}</option>
            ${this.read.fields.map((field) => html`<option value=${field} ?selected=${field === this.fieldOf(name)}>${fieldLabel(field, this.said.kind)}</option>`)}
          </select></td>
        </tr>`)}</tbody>
      </table>
    </div>`;
  }

  private choice(
    name: string, words: string, now: string, options: [string, string][], take: (value: string) => void, hint = "",
  ): TemplateResult {
    const id = `mapping-${name}`;
    return html`<div class="field">
      <label class="field__label" for=${id}>${words}</label>
      ${hint ? html`<span class="field__hint" id=${`${id}-hint`}>${hint}</span>` : nothing}
      <select class="input" id=${id} aria-describedby=${hint ? `${id}-hint` : nothing} @change=${(event: Event) => take((event.target as HTMLSelectElement).value)}>
        ${options.map(([value, shown]) => html`<option value=${value} ?selected=${value === now}>${shown}</option>`)}
      </select>
    </div>`;
  }

  private text(name: string, words: string, hint: string, now: string | null, take: (value: string | null) => void): TemplateResult {
    const id = `mapping-${name}`;
    return html`<div class="field">
      <label class="field__label" for=${id}>${words} <span class="soft">${t("field.optional")}</span></label>
      <span class="field__hint" id=${`${id}-hint`}>${hint}</span>
      <input class="input" id=${id} maxlength="120" autocomplete="off" aria-describedby=${`${id}-hint`} .value=${now ?? ""}
        @change=${(event: Event) => take((event.target as HTMLInputElement).value.trim() || null)} />
    </div>`;
  }

  /** Say what a column means (nothing: ""). It stands for one field at most, and a field for one column. */
  assign(column: string, field: string): void {
    const others = Object.entries(this.said.map).filter(([name, of]) => of !== column && name !== field);
    // What stood for a field so far is no longer to be guessed for it: a field without a column says so.
    const freed = Object.keys(this.read.map).filter((name) => name !== field && !others.some(([other]) => other === name));
    const map = [...others, ...freed.map((name): [string, string] => [name, ""]), ...(field ? [[field, column] as [string, string]] : [])];
    this.say({ map: Object.fromEntries(map) });
  }

  /** True when the officer said that the file has no coordinates. */
  private get nowhere(): boolean {
    return this.said.map.x === "" && this.said.map.y === "";
  }

  /** Say that no column holds coordinates, so that each row is kept to be placed by hand; or no longer. */
  private keep(nowhere: boolean): void {
    const others = Object.entries(this.said.map).filter(([field]) => !["x", "y", "wkt"].includes(field));
    this.say({ map: { ...Object.fromEntries(others), ...(nowhere && { x: "", y: "" }) } });
  }

  private fieldOf(column: string): string | undefined {
    return Object.entries(this.said.map).find(([, of]) => of === column)?.[0];
  }

  private say(part: Partial<Said>): void {
    this.said = { ...this.said, ...part };
    this.changes = { ...this.changes, ...part };
    this.redraw();
  }
}

const saidOf = ({ kind, theme, source, key, map, crs }: Import): Said => ({ kind, theme, source, key, map, crs, layer: null, retire: null });

const kinds = (now: string | null): [string, string][] => [
  ...(now ? [] : [["", t("mapping.choose")] satisfies [string, string]]),
  ...world.kinds.map(({ name, label_plural }): [string, string] => [name, label_plural]),
];

/** A field of the kind has words of its own; the others have some here. */
function fieldLabel(field: string, kind: string | null): string {
  const own = world.kinds.find(({ name }) => name === kind)?.fields.find(({ name }) => name === field.replace(/^details\./, ""));
  return own?.label ?? label("import-field", field);
}
