/** One asset's page: what it is, where, who is behind it, and every verb that may be done to it. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { aborted, ApiError, call, words } from "../../api/client";
import type { Asset } from "../../api/types";
import { t } from "../../i18n";
import { ifMap, theMap } from "../../map/handle";
import { icon } from "../../parts/icon";
import { Verbs } from "../../parts/verb";
import { keepQuery, type Route } from "../../router";
import { events, kindOf, world } from "../../state";
import { discussion } from "./discussion";
import { head } from "./head";
import { links } from "./links";
import { needs } from "./needs";
import { owning } from "./owning";
import { proposals } from "./proposals";
import { updates } from "./updates";

/** What the parts of the page share. */
export interface Page {
  uid: string;
  /** The asset as it was last read. */
  asset: () => Asset;
  etag: () => string | null;
  /** True when the service says that this act is open to whoever reads. */
  may: (act: string) => boolean;
  /** True when a visitor should be shown the verb: pressing it leads to sign in. */
  offers: (act: string) => boolean;
  redraw: () => void;
  /** Read the asset again: something about it was changed from here. */
  reload: () => Promise<void>;
  verbs: Verbs;
}

/** One part of the page. */
export interface Part {
  load: () => Promise<void>;
  view: () => TemplateResult | typeof nothing;
}

let stop: (() => void)[] = [];

export function enter(route: Route, host: HTMLElement): void {
  const view = new AssetView(route.params.uid ?? "", host);
  stop = [view.leave, events.on("viewer", () => void view.read(true))];
  void view.read();
}

export function leave(): void {
  for (const end of stop) end();
  stop = [];
  ifMap((map) => map.select(null));
}

/** Acts that a visitor is offered: everybody who signs in may do these on a published asset. */
const OPEN_TO_ALL = ["appreciations.give", "comments.write", "proposals.propose", "flags.raise"];
/** Acts for the kinds that take proposals: projects, ideas and places say what they need and can be helped. */
const FOR_PROPOSALS = ["proposals.propose", "needs.add"];

class AssetView implements Page {
  readonly verbs = new Verbs(() => this.redraw());
  private found: { asset: Asset; etag: string | null } | null = null;
  private problem = "";
  private parts: Part[] = [];
  private readonly asking = new AbortController();

  constructor(
    readonly uid: string,
    private readonly host: HTMLElement,
  ) {
    render(html`<div class="top">${back()}</div><p class="busy" role="status">${t("loading")}</p>`, host);
  }

  readonly leave = (): void => this.asking.abort();

  asset = (): Asset => {
    if (!this.found) throw new Error("The asset is not read yet.");
    return this.found.asset;
  };

  etag = (): string | null => this.found?.etag ?? null;

  may = (act: string): boolean => this.suits(act) && (this.asset().properties.may?.includes(act) ?? false);

  offers = (act: string): boolean => {
    if (!this.suits(act)) return false;
    if (this.may(act)) return true;
    return !world.viewer && this.asset().properties.state === "published" && OPEN_TO_ALL.includes(act);
  };

  reload = async (): Promise<void> => {
    await this.read();
    events.tell("changed", this.found?.asset ?? null);
  };

  /** Read the asset; its parts too when it is new here or somebody else reads now. */
  async read(everything = false): Promise<void> {
    try {
      const reply = await call<Asset>("GET", `/assets/${this.uid}`, { signal: this.asking.signal });
      const first = !this.found;
      this.found = { asset: reply.data, etag: reply.etag };
      this.problem = "";
      if (first) this.begin();
      this.redraw();
      if (first) this.greet();
      if (first || everything) await Promise.all(this.parts.map((part) => part.load().catch(() => undefined)));
    } catch (error) {
      if (aborted(error)) return;
      this.problem = error instanceof ApiError && error.status === 404 ? t("asset.gone") : words(error);
    }
    this.redraw();
  }

  redraw = (): void => {
    if (!this.asking.signal.aborted) render(this.view(), this.host);
  };

  private readonly suits = (act: string): boolean =>
    !FOR_PROPOSALS.includes(act) || kindOf(this.asset().properties.kind).takes_proposals;

  /** A reader who came here by a link waits on the empty panel: take them to its heading. */
  private greet(): void {
    const heading = this.host.querySelector<HTMLElement>("h1");
    if (!heading || document.activeElement !== this.host) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    this.host.scrollTop = 0;
  }

  private begin(): void {
    const asset = this.asset();
    const name = asset.properties.title;
    document.title = t("title.page", { page: name, title: world.settings.title });
    this.parts = [needs(this), proposals(this), updates(this), discussion(this), links(this), owning(this)];
    void theMap().then((map) => this.asking.signal.aborted || map.select(asset));
  }

  private view(): TemplateResult {
    if (this.problem)
      return html`<div class="top">${back()}</div>
        <div class="empty" role="alert"><h1>${t("asset.not-here")}</h1><p class="soft">${this.problem}</p></div>`;
    if (!this.found) return html`<div class="top">${back()}</div>`;
    return html`<div class="top">${back()}</div>
      <article class="inside">${head(this)} ${this.parts.map((part) => part.view())}</article>`;
  }
}

const back = (): TemplateResult =>
  html`<a class="button button--quiet" href=${keepQuery("/")}>${icon("arrow-left")}${t("back")}</a>`;
