/** Complaints and what is kept off the map, for officers: uphold or dismiss, hide or put back, each with a reason. */

import { html, nothing, type TemplateResult } from "lit-html";
import { aborted, get, post, words } from "../api/client";
import type { FlagFound, OutOfSight } from "../api/desk-types";
import type { Items } from "../api/types";
import { ago, label, t } from "../i18n";
import { ifMap, theMap } from "../map/handle";
import { ask } from "../parts/dialog";
import { DeskView, officersOnly, panelOf } from "../parts/desk-view";
import { icon } from "../parts/icon";
import { mark } from "../parts/mark";
import { events, isOfficer, kindOf, world } from "../state";

/** What is asked before it is done. */
interface Act {
  key: string;
  title: string;
  text: string;
  send: string;
  done: string;
  path: string;
  /** Sent beside the reason. */
  also?: { hide?: boolean };
}

const STATES = ["open", "upheld", "dismissed"];

class Flags extends DeskView {
  private flags: FlagFound[] | null = null;
  private next: string | null = null;
  private hidden: OutOfSight[] = [];
  private moreHidden = false;
  private state: string;

  constructor(...given: [ConstructorParameters<typeof DeskView>[0], HTMLElement]) {
    super(...given, "flags.heading");
    this.state = this.now.query.get("is") ?? "open";
  }

  protected async load(): Promise<void> {
    if (!isOfficer(world.viewer)) return;
    void theMap();
    const { signal } = this.asking;
    const { state } = this;
    const [flags, ...hidden] = await Promise.all([
      get<Items<FlagFound>>("/desk/flags", { state }, signal),
      get<Items<OutOfSight>>("/desk/hidden", { of: "assets" }, signal),
      get<Items<OutOfSight>>("/desk/hidden", { of: "comments" }, signal),
    ]);
    if (state !== this.state) return;
    [this.flags, this.next] = [flags.items, flags.next];
    this.hidden = hidden.flatMap(({ items }) => items);
    this.moreHidden = hidden.some(({ next }) => next !== null);
  }

  protected body(): TemplateResult {
    if (!isOfficer(world.viewer)) return officersOnly();
    if (!this.flags) return html`<p class="busy" role="status">${this.problem ? nothing : t("loading")}</p>`;
    return html`<p class="soft">${t("flags.lead")}</p>
      <div class="chips" role="group" aria-label=${t("flags.which")}>
        ${STATES.map((state) => html`<button type="button" class="chip" aria-pressed=${String(state === this.state)}
          @click=${() => this.show(state)}>${label("flag-state", state)}</button>`)}
      </div>
      ${this.flags.length
        ? html`<ul class="cases">${this.flags.map((flag) => this.flagView(flag))}</ul>`
        : html`<p class="empty soft" role="status">${t(this.state === "open" ? "flags.none" : "flags.none-such")}</p>`}
      ${this.next ? html`<p class="buttons"><button type="button" class="button" @click=${() => void this.more()}>${t("explore.more")}</button></p>` : nothing}
      <h2>${t("hidden.heading")}</h2>
      ${this.hidden.length
        ? html`<ul class="cases">${this.hidden.map((one) => this.hiddenView(one))}</ul>`
        : html`<p class="soft">${t("hidden.none")}</p>`}
      ${this.moreHidden ? html`<p class="small soft">${t("hidden.more")}</p>` : nothing}`;
  }

  private show(state: string): void {
    this.state = state;
    void this.read();
  }

  private async more(): Promise<void> {
    try {
      const page = await get<Items<FlagFound>>(this.next ?? "", undefined, this.asking.signal);
      this.flags = [...(this.flags ?? []), ...page.items];
      this.next = page.next;
    } catch (error) {
      if (!aborted(error)) this.problem = words(error);
    }
    this.redraw();
  }

  private flagView(flag: FlagFound): TemplateResult {
    const { reason, text, asset, comment, created_at, state, link, decision, may } = flag;
    return html`<li class="case">
      <p class="case__head">${mark(asset.kind)}<a href=${link}>${asset.title}</a>
        <span class="tag tag--warm">${label("flag-reason", reason)}</span></p>
      <p class="small soft">${comment ? t("flags.of-comment") : kindOf(asset.kind).label} · ${ago(created_at)}</p>
      ${comment ? html`<blockquote>${comment.text}</blockquote>` : nothing}
      ${text ? html`<p>${t("flags.said", { words: text })}</p>` : nothing}
      ${may.includes("flags.decide")
        ? html`<p class="buttons">
            <button type="button" class="button" @click=${() => this.decide(flag, "uphold")}>${icon("eye-off")}${t(comment ? "flags.uphold-comment" : "flags.uphold")}<span class="for-readers">: ${asset.title}</span></button>
            <button type="button" class="button button--quiet" @click=${() => this.decide(flag, "dismiss")}>${t("flags.dismiss")}<span class="for-readers">: ${asset.title}</span></button>
          </p>`
        : nothing}
      ${decision
        ? html`<p class="small soft">${label("flag-state", state)} ${t("hidden.by", { name: decision.by ?? t("somebody"), when: ago(decision.at) })}</p>
            <p>${decision.why ?? nothing}</p>`
        : nothing}
    </li>`;
  }

  private decide({ uid, comment }: FlagFound, verb: "uphold" | "dismiss"): void {
    const upholds = verb === "uphold";
    this.reason({
      key: `${verb}:${uid}`,
      title: t(upholds ? (comment ? "flags.uphold-comment.title" : "flags.uphold.title") : "flags.dismiss.title"),
      text: t(upholds ? "flags.uphold.text" : "flags.dismiss.text"),
      send: t(upholds ? (comment ? "flags.uphold-comment" : "flags.uphold") : "flags.dismiss"),
      done: t(upholds ? "flags.upheld" : "flags.dismissed"),
      path: `/flags/${uid}/${verb}`,
      also: upholds ? { hide: true } : {},
    });
  }

  private hiddenView({ title, kind, state, comment, link, reason, by, at, uid }: OutOfSight): TemplateResult {
    const fresh = state === "pending";
    const path = comment ? `/comments/${comment.uid}` : `/assets/${uid}`;
    return html`<li class="case">
      <p class="case__head">${mark(kind)}<a href=${link}>${title}</a> <span class="tag">${label("state", state)}</span></p>
      ${comment ? html`<p class="small soft">${t("flags.of-comment")}</p><blockquote>${comment.text}</blockquote>` : nothing}
      <p class="small soft">${t(fresh ? "hidden.since" : "hidden.by", { name: by ?? t("somebody"), when: ago(at) })}</p>
      ${reason ? html`<p>${reason}</p>` : nothing}
      <p class="buttons">
        <button type="button" class="button" @click=${() => this.restore(path, fresh, !!comment)}>${icon("eye")}${restoreWords(fresh, !!comment)}<span
          class="for-readers">: ${title}</span></button>
        ${fresh
          ? html`<button type="button" class="button button--quiet" @click=${() => this.refuse(path)}>${t("verb.refuse")}<span class="for-readers">: ${title}</span></button>`
          : nothing}
      </p>
    </li>`;
  }

  private restore(path: string, fresh: boolean, comment: boolean): void {
    this.reason({
      key: `restore:${path}`, title: t(comment ? "comment.restore.title" : fresh ? "release.title" : "restore.title"),
      text: t("restore.text"), send: restoreWords(fresh, comment), path: `${path}/restore`,
      done: t(comment ? "comment.restore.done" : fresh ? "published" : "restore.done"),
    });
  }

  private refuse(path: string): void {
    this.reason({
      key: `refuse:${path}`, title: t("refuse.title"), text: t("hide.text"), send: t("verb.refuse"), done: t("hide.done"), path: `${path}/hide`,
    });
  }

  /** Ask for the reason, do it, and show what is left. */
  private reason({ path, also, ...question }: Act): void {
    ask({
      ...question,
      fields: [{ name: "reason", label: t("hide.reason"), hint: t("why.hint"), type: "long-text", required: true, max_length: 1000 }],
      submit: async (values) => {
        await post(path, { ...values, ...also });
        events.tell("changed", null);
        ifMap((map) => map.refresh());
        await Promise.all([this.read(), this.count()]);
      },
    });
  }
}

const restoreWords = (fresh: boolean, comment: boolean): string =>
  t(comment ? "hidden.show-comment" : fresh ? "hidden.publish" : "verb.restore");

export const { enter, leave } = panelOf((now, host) => new Flags(now, host));
