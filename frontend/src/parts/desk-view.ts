/** What the sections of the desk have in common: their frame, the way to each other, and an end to all that they began. */

import "../styles/desk.css";
import "../styles/desk-figures.css";
import "../styles/desk-print.css";
import { html, nothing, render, type TemplateResult } from "lit-html";
import { aborted, get, words } from "../api/client";
import type { DeskCounts } from "../api/desk-types";
import { learn, number, t, type Word } from "../i18n";
import { desk } from "../i18n/desk";
import { ifMap } from "../map/handle";
import { type Route, route } from "../router";
import { events, isOfficer, world } from "../state";
import { icon } from "./icon";

learn(desk);

interface Section {
  path: string;
  name: Word;
  picture: string;
  officers?: boolean;
  /** What waits there. */
  waiting?: (counts: DeskCounts) => number;
}

const SECTIONS: Section[] = [
  { path: "/desk", name: "desk.nav.figures", picture: "table-2" },
  { path: "/desk/gaps", name: "desk.nav.gaps", picture: "sprout" },
  { path: "/desk/flags", name: "desk.nav.flags", picture: "flag", officers: true,
    waiting: ({ flags_open, pending, pending_comments }) => flags_open + pending + pending_comments },
  { path: "/desk/import", name: "desk.nav.import", picture: "upload", officers: true,
    waiting: ({ imports_waiting, unplaced }) => imports_waiting + unplaced },
  { path: "/desk/reports", name: "desk.nav.reports", picture: "download" },
  { path: "/desk/areas", name: "desk.nav.areas", picture: "map" },
];

/** One section while it is open. What it asked for ends with it, and so does what it drew on the map. */
export abstract class DeskView {
  protected problem = "";
  protected readonly asking = new AbortController();
  private counts: DeskCounts | null = null;
  private timer = 0;
  private silence: (() => void) | null = null;

  constructor(
    protected readonly now: Route,
    private readonly host: HTMLElement,
    private readonly heading: Word,
  ) {}

  protected abstract body(): TemplateResult | typeof nothing;

  /** The heading of the page; a section may be about one thing. */
  protected title(): string {
    return t(this.heading);
  }

  /** Draw at once, so that the reader stands at the heading, then read. */
  open(): void {
    this.silence = events.on("viewer", () => void this.read());
    this.redraw();
    void this.read();
    if (isOfficer(world.viewer)) void this.count();
  }

  /** Whatever the section shows is read here. */
  protected abstract load(): Promise<void>;

  readonly read = async (): Promise<void> => {
    try {
      await this.load();
      this.problem = "";
    } catch (error) {
      if (aborted(error)) return;
      this.problem = words(error);
    }
    this.redraw();
  };

  readonly leave = (): void => {
    this.asking.abort();
    window.clearTimeout(this.timer);
    this.silence?.();
    this.left();
    ifMap((map) => {
      map.shade(null);
      map.invite(null);
      map.endPick();
      map.areas.outline([]);
    });
    for (const id of ["legend", "map-task"]) {
      const box = document.getElementById(id);
      if (box) render(nothing, box);
    }
  };

  /** For what a section must let go of by itself. */
  protected left(): void {
    // Most have nothing.
  }

  readonly redraw = (): void => {
    if (this.asking.signal.aborted) return;
    document.title = t("title.page", { page: this.title(), title: world.settings.title });
    render(this.frame(), this.host);
  };

  /** Read again after a while; a later call takes the place of an earlier one. */
  protected readonly again = (after_ms: number): void => {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.read(), after_ms);
  };

  /** What waits for an officer, for the way there. Without an answer the ways stand alone. */
  protected readonly count = async (): Promise<void> => {
    this.counts = await get<DeskCounts>("/desk", undefined, this.asking.signal).catch(() => null);
    this.redraw();
  };

  private readonly frame = (): TemplateResult => html`<div class="desk">
    <nav class="desk__nav" aria-label=${t("desk.nav")}>
      ${SECTIONS.filter((section) => !section.officers || isOfficer(world.viewer)).map((section) => this.way(section))}
    </nav>
    <h1>${this.title()}</h1>
    <div role="alert">
      ${this.problem
        ? html`<div class="notice notice--bad">${icon("triangle-alert")}
            <div><p>${this.problem} ${t("desk.problem")}</p>
              <p class="buttons"><button type="button" class="button" @click=${() => void this.read()}>${t("again")}</button></p></div>
          </div>`
        : nothing}
    </div>
    ${this.body()}
  </div>`;

  private way({ path, name, picture, waiting }: Section): TemplateResult {
    const here = route.path === path || (path !== "/desk" && route.path.startsWith(`${path}/`));
    const count = (this.counts && waiting?.(this.counts)) ?? 0;
    const area = this.now.query.get("area");
    return html`<a class="desk__way" href=${area ? `${path}?area=${encodeURIComponent(area)}` : path}
      aria-current=${here ? "page" : nothing}>${icon(picture)}<span>${t(name)}</span>${count
        ? html`<span class="desk__count"><span aria-hidden="true">${number(count)}</span><span class="for-readers">, ${t("desk.waiting", { n: count })}</span></span>`
        : nothing}</a>`;
  }
}

/** A panel that opens such a section. */
export function panelOf(make: (now: Route, host: HTMLElement) => DeskView): {
  enter: (now: Route, host: HTMLElement) => void;
  leave: () => void;
} {
  let open: DeskView | null = null;
  return {
    enter: (now, host) => {
      open = make(now, host);
      open.open();
    },
    leave: () => {
      open?.leave();
      open = null;
    },
  };
}

/** Where something cannot be done by whoever is here: a way to sign in, or a kind word. */
export const officersOnly = (): TemplateResult => html`<div class="empty">
  <p>${t("desk.officers-only")}</p>
  ${world.viewer ? nothing : html`<p class="buttons"><a class="button button--main" href=${`/sign-in?next=${encodeURIComponent(route.path)}`}>${t("nav.sign-in")}</a></p>`}
</div>`;
