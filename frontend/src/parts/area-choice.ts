/** Which areas a section of the desk is about: the whole map, one's own, or any by its name. The URL keeps it. */

import { html, nothing, type TemplateResult } from "lit-html";
import { t } from "../i18n";
import { Wards } from "../panels/explore-wards";
import { note } from "../router";
import { myAreas, world } from "../state";

const WHOLE = "all";

export class AreaChoice {
  private readonly own = myAreas(world.viewer);
  private readonly ownCodes = this.own.map(({ code }) => code).join(",");
  private chosen: string;
  private readonly names: Wards;

  /** `changed` is called when another was chosen; the query says it already then. */
  constructor(
    private query: URLSearchParams,
    private readonly redraw: () => void,
    private readonly changed: () => void,
  ) {
    this.names = new Wards({ choose: (code) => this.choose(code), redraw, anyLevel: true });
    this.chosen = query.get("area") ?? (this.own.length ? this.ownCodes : WHOLE);
    if (!this.isOffered(this.chosen)) void this.names.learn(this.codes);
  }

  /** The codes of the areas that are meant; none for the whole. */
  get codes(): string[] {
    return this.chosen === WHOLE ? [] : this.chosen.split(",").filter(Boolean);
  }

  /** In words, for a heading. */
  get name(): string {
    if (this.chosen === WHOLE) return t("desk.area.whole");
    return this.codes.map((code) => this.own.find((area) => area.code === code)?.name ?? this.names.nameOf(code)).join(", ");
  }

  /** Keep a further word in the query. */
  keep(name: string, value: string): void {
    if (value) this.query.set(name, value);
    else this.query.delete(name);
    note(this.query);
  }

  view(): TemplateResult {
    const other = !this.isOffered(this.chosen);
    return html`<div class="field">
        <label class="field__label" for="desk-area">${t("desk.area")}</label>
        <select class="input" id="desk-area" @change=${(event: Event) => this.choose((event.target as HTMLSelectElement).value)}>
          ${this.option(WHOLE, t("desk.area.whole"))}
          ${this.own.length > 1 ? this.option(this.ownCodes, t("desk.area.mine")) : nothing}
          ${this.own.map(({ code, name }) => this.option(code, name))}
          ${other ? this.option(this.chosen, this.name) : nothing}
        </select>
      </div>
      ${this.names.view(this.codes, null)}`;
  }

  private option(value: string, name: string): TemplateResult {
    return html`<option value=${value} ?selected=${value === this.chosen}>${name}</option>`;
  }

  private choose(codes: string): void {
    this.chosen = codes;
    this.keep("area", codes);
    this.redraw();
    this.changed();
  }

  private isOffered(codes: string): boolean {
    return codes === WHOLE || codes === this.ownCodes || this.own.some(({ code }) => code === codes);
  }
}
