/** The ward field: a search over the names of all wards, be they twenty or nine thousand. A combobox after ARIA 1.2. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { get } from "../api/client";
import type { Area, Facets, Items } from "../api/types";
import { number, t } from "../i18n";
import { world } from "../state";

/** Wards that are offered at once. */
const MOST = 12;
const PAUSE_MS = 200;
const FIELD = "filter-ward";

interface Ward {
  code: string;
  name: string;
}

export interface WardsOptions {
  /** A ward was chosen. */
  choose: (code: string) => void;
  /** Areas of every level, not wards alone. */
  anyLevel?: boolean;
  redraw: () => void;
}

export class Wards {
  private readonly names = new Map<string, string>();
  private offered: Ward[] = [];
  private words = "";
  private open = false;
  private more = false;
  private at = -1;
  private looking = 0;
  private round = 0;
  /** Keys pressed while the wards of the words just typed are on their way: they are for what comes. */
  private early: KeyboardEvent[] | null = null;

  constructor(private readonly options: WardsOptions) {}

  /** The name of a ward, or its code until the name has come. */
  nameOf(code: string): string {
    return this.names.get(code) ?? code;
  }

  /** Learn the names of these wards, then draw again. */
  async learn(codes: string[]): Promise<void> {
    const unknown = codes.filter((code) => !this.names.has(code));
    if (!unknown.length) return;
    await this.fetch({ code: unknown.join(","), limit: "200" }).catch(() => null);
    this.options.redraw();
  }

  view(chosen: string[], facets: Facets | null): TemplateResult | typeof nothing {
    if (!world.settings.bounds) return nothing;
    const active = this.offered[this.at];
    return html`<div class="field combo">
      <label class="field__label" for=${FIELD}>${t(this.options.anyLevel ? "desk.area.other" : "filters.ward")}</label>
      <input class="input" id=${FIELD} role="combobox" autocomplete="off" aria-autocomplete="list" maxlength="60"
        aria-expanded=${String(this.open)} aria-controls="filter-wards" placeholder=${t(this.options.anyLevel ? "desk.area.type" : "filters.ward-name")}
        aria-activedescendant=${this.open && active ? optionId(active) : nothing} .value=${live(this.words)}
        @focus=${() => this.look(facets)} @input=${(event: Event) => this.type(event, facets)}
        @keydown=${(event: KeyboardEvent) => this.key(event, facets)} @blur=${() => this.close()} />
      <ul class="combo__list" id="filter-wards" role="listbox" aria-label=${t("filters.wards")} ?hidden=${!this.open}>
        ${this.open ? this.offered.map((ward, at) => this.option(ward, at === this.at, chosen, facets)) : nothing}
      </ul>
      <p class="small soft" role="status">${this.open ? this.says() : nothing}</p>
    </div>`;
  }

  private option(ward: Ward, active: boolean, chosen: string[], facets: Facets | null): TemplateResult {
    const count = facets?.ward[ward.code];
    return html`<li role="option" id=${optionId(ward)} class="combo__option" ?data-active=${active}
      aria-selected=${String(chosen.includes(ward.code))}
      @mousedown=${keepFocus} @click=${() => this.take(ward)}>
      <span>${ward.name}</span>${count === undefined ? nothing : html`<span class="count">${counted(count, facets)}</span>`}
    </li>`;
  }

  private says(): string {
    const any = this.options.anyLevel;
    if (!this.offered.length) return t(this.words.trim() ? (any ? "desk.area.none" : "filters.ward-none") : "filters.ward-type");
    if (this.more) return t(any ? "desk.area.more" : "filters.ward-more");
    return t(any ? "desk.area.found" : "filters.ward-found", { n: this.offered.length });
  }

  private type(event: Event, facets: Facets | null): void {
    this.words = (event.target as HTMLInputElement).value;
    this.early ??= [];
    this.round += 1; // what was asked for before is not wanted any more
    window.clearTimeout(this.looking);
    this.looking = window.setTimeout(() => this.look(facets), PAUSE_MS);
  }

  private look(facets: Facets | null): void {
    this.open = true;
    void this.search(facets);
  }

  /** Wards of that name; without a name, those with the most in them. */
  private async search(facets: Facets | null): Promise<void> {
    const round = (this.round += 1);
    const words = this.words.trim();
    const fullest = Object.keys(facets?.ward ?? {}).slice(0, MOST);
    const asked: Record<string, string> = words ? { q: words } : fullest.length ? { code: fullest.join(",") } : {};
    const found = await this.fetch({ ...asked, limit: String(MOST) }).catch(() => null);
    if (round !== this.round) return;
    this.offered = (found?.items ?? []).map(({ code, name }) => ({ code, name }));
    const order = (ward: Ward): number => fullest.indexOf(ward.code);
    if (asked.code) this.offered.sort((one, other) => order(one) - order(other));
    this.more = !!found?.next || (!words && Object.keys(facets?.ward ?? {}).length > MOST);
    this.at = -1;
    const early = this.early ?? [];
    this.early = null;
    this.options.redraw();
    for (const event of early) this.key(event, facets);
  }

  private async fetch(query: Record<string, string>): Promise<Items<Area>> {
    const found = await get<Items<Area>>("/areas", { ...(!this.options.anyLevel && { level: "ward" }), ...query });
    for (const { code, name } of found.items) this.names.set(code, name);
    return found;
  }

  private key(event: KeyboardEvent, facets: Facets | null): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (this.early && (step || event.key === "Enter")) {
      event.preventDefault();
      this.early.push(event);
      return;
    }
    if (step) {
      event.preventDefault();
      if (!this.open) { this.look(facets); return; }
      this.at = (this.at + step + this.offered.length) % (this.offered.length || 1);
      this.options.redraw();
      document.querySelector(`#filter-wards [data-active]`)?.scrollIntoView({ block: "nearest" });
    }
    const active = this.offered[this.at] ?? (this.words.trim() && this.offered.length === 1 ? this.offered[0] : undefined);
    if (event.key === "Enter" && active) { event.preventDefault(); this.take(active); }
    if (event.key === "Escape" && this.open) { event.preventDefault(); this.close(); }
  }

  private take(ward: Ward): void {
    this.words = "";
    this.close();
    this.options.choose(ward.code);
  }

  private close(): void {
    window.clearTimeout(this.looking);
    this.round += 1;
    this.early = null;
    this.open = false;
    this.at = -1;
    this.options.redraw();
  }
}

/** A count as a chip shows it: with a plus where there may be more. */
export const counted = (count: number, facets: Facets | null): string => number(count) + (facets?.approximate ? "+" : "");

/** The field would lose the focus, and the list close, before the click. */
const keepFocus = (event: Event): void => event.preventDefault();

const optionId = (ward: Ward): string => `filter-ward-${ward.code}`;
