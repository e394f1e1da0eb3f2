/** Compose: choosing a kind, then the form that its fields make. Also amends an asset that is there. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { ApiError, call, words } from "../api/client";
import type { Asset, Field, Kind } from "../api/types";
import { label, t } from "../i18n";
import { Form, type Values } from "../parts/form";
import { icon } from "../parts/icon";
import { bigMark, mark, tint } from "../parts/mark";
import { outcome } from "../parts/outcome";
import { setSheet } from "../parts/sheet";
import { toast } from "../parts/toast";
import { signInAddress } from "../parts/visitor";
import { go, keepQuery, type Route } from "../router";
import { events, kindOf, world } from "../state";
import { changesOf, documentOf, fieldsOf, initialOf, sectionsOf } from "./compose-document";
import { Where } from "./compose-where";

let composing: Compose | null = null;

export function enter(route: Route, host: HTMLElement): void {
  const { kind, uid } = route.params;
  if (uid) return void amend(uid, host);
  const known = world.kinds.find((one) => one.name === kind);
  if (known) composing = new Compose(known, host, null);
  else render(choose(), host);
}

export function leave(): void {
  composing?.leave();
  composing = null;
}

async function amend(uid: string, host: HTMLElement): Promise<void> {
  render(html`<div class="top">${back(`/assets/${uid}`)}</div><p class="busy" role="status">${t("loading")}</p>`, host);
  try {
    const { data, etag } = await call<Asset>("GET", `/assets/${uid}`);
    composing = new Compose(kindOf(data.properties.kind), host, { asset: data, etag });
  } catch (error) {
    render(html`<div class="top">${back("/")}</div><div class="empty" role="alert"><p>${words(error)}</p></div>`, host);
  }
}

const back = (path: string): TemplateResult =>
  html`<a class="button button--quiet" href=${keepQuery(path)}>${icon("arrow-left")}${t("back")}</a>`;

// Which kind ------------------------------------------------------------------------------------------------------------

function choose(): TemplateResult {
  document.title = t("title.page", { page: t("compose.heading"), title: world.settings.title });
  return html`<div class="top">${back("/")}</div>
    <div class="inside">
      <h1>${t("compose.heading")}</h1>
      <p class="soft">${t("compose.lead")}</p>
      <div class="kinds">
        ${world.kinds.map(
          (kind) =>
            html`<a class="kind-card" href=${keepQuery(`/new/${kind.name}`)} .style=${tint(kind.name)}>
              ${bigMark(kind.name)}
              <span><strong>${kind.call}</strong><span class="soft small">${kind.hint}</span></span>
              ${icon("arrow-right")}
            </a>`,
        )}
      </div>
    </div>`;
}

// The form --------------------------------------------------------------------------------------------------------------

class Compose {
  private readonly form: Form;
  private readonly where: Where;
  private readonly fields: Field[];
  /** Made once, so that pressing twice or trying again after a lost answer makes one asset. */
  private readonly uid: string;
  private state: "published" | "draft" = "published";
  private stale = false;
  private left = false;

  constructor(
    private readonly kind: Kind,
    private readonly host: HTMLElement,
    private known: { asset: Asset; etag: string | null } | null,
  ) {
    const name = known ? t("compose.amend") : kind.call;
    document.title = t("title.page", { page: name, title: world.settings.title });
    this.fields = fieldsOf(kind, known !== null);
    const key = known ? `edit:${known.asset.id}` : `new:${kind.name}`;
    this.uid = known?.asset.id ?? keptUid(key);
    this.form = new Form({
      key,
      fields: this.fields,
      initial: known ? initialOf(known.asset) : {},
      send: "",
      redraw: () => this.draw(),
      submit: (values) => this.send(values),
    });
    this.where = new Where({ key, kind, asset: known?.asset ?? null, redraw: () => this.draw() });
    this.draw();
    host.scrollTop = 0;
  }

  leave(): void {
    this.left = true;
    this.where.leave();
  }

  private async send(values: Values): Promise<void> {
    const place = this.where.read();
    const asset = this.known ? await this.patch(values, place) : await this.post(values, place);
    sessionStorage.removeItem(uidKey(this.form.options.key));
    this.where.forget();
    events.tell("changed", asset);
    setSheet("half");
    toast(this.known ? t("saved") : outcome(asset));
    // Going back from there leads to where one came from, not to a form that is done with.
    go(keepQuery(`/assets/${asset.id}`), { replace: true });
  }

  private async post(values: Values, place: ReturnType<Where["read"]>): Promise<Asset> {
    const body = documentOf(this.kind, this.uid, this.state, values, place);
    // The key covers this very document: after a mended fault the next try is a new call.
    const key = `${this.uid}:${digest(JSON.stringify(body))}`;
    return (await call<Asset>("POST", "/assets", { body, key })).data;
  }

  private async patch(values: Values, place: ReturnType<Where["read"]>): Promise<Asset> {
    if (!this.known) throw new Error("There is nothing to amend.");
    const body = changesOf(this.kind, this.known.asset, values, place);
    try {
      return (await call<Asset>("PATCH", `/assets/${this.uid}`, { body, etag: this.known.etag })).data;
    } catch (error) {
      this.stale = error instanceof ApiError && error.status === 412;
      throw this.stale ? new ApiError(412, t("compose.stale")) : error;
    }
  }

  /** Somebody else saved first: take their version as the ground, and keep what is typed here. */
  private readonly loadNewest = async (): Promise<void> => {
    const { data, etag } = await call<Asset>("GET", `/assets/${this.uid}`);
    this.known = { asset: data, etag };
    this.form.rebase(initialOf(data));
    this.stale = false;
    this.form.problem = "";
    toast(t("compose.newest-loaded"));
    this.draw();
  };

  private draw(): void {
    if (!this.left) render(this.view(), this.host);
  }

  private view(): TemplateResult {
    const { kind } = this;
    return html`<div class="top">${back(this.known ? `/assets/${this.uid}` : "/new")}</div>
      <form class="inside form" novalidate @submit=${this.form.onSubmit}>
        <div .style=${tint(kind.name)}>
          <p class="asset__kind">${mark(kind.name)}${kind.label}</p>
          <h1>${this.known ? t("compose.amend") : kind.call}</h1>
          ${kind.hint ? html`<p class="soft">${kind.hint}</p>` : nothing}
          ${world.viewer ? nothing : visitorNotice()}
        </div>
        ${sectionsOf(kind).map((section) =>
          section.name === "where"
            ? this.where.view()
            : section.folded
              ? this.folded(section.name, section.fields)
              : this.section(section.name, section.fields),
        )}
        ${this.form.problemView()} ${this.stale ? this.staleView() : nothing}
        <div class="bottom">${this.buttons()}</div>
      </form>`;
  }

  private section(name: string, fields: string[]): TemplateResult {
    return html`<section aria-label=${label("compose", name)}>
      ${fields.map((field) => this.form.field(field))}
    </section>`;
  }

  private folded(name: string, fields: string[]): TemplateResult {
    return html`<details>
      <summary>${label("compose", name)}${icon("chevron-down")}</summary>
      ${fields.map((field) => this.form.field(field))}
    </details>`;
  }

  private staleView(): TemplateResult {
    return html`<p class="buttons">
      <button type="button" class="button" @click=${() => void this.loadNewest()}>${t("compose.load-newest")}</button>
    </p>`;
  }

  private buttons(): TemplateResult {
    const busy = String(this.form.busy);
    const as = (state: "published" | "draft") => () => (this.state = state);
    if (this.known) return html`<button class="button button--main" aria-busy=${busy}>${t("save")}</button>`;
    return html`<button class="button button--main" aria-busy=${busy} @click=${as("published")}>
        ${t("compose.publish")}
      </button>
      <button class="button" aria-busy=${busy} @click=${as("draft")}>${t("compose.draft")}</button>`;
  }
}

const visitorNotice = (): TemplateResult =>
  html`<p class="notice notice--warm">
    ${icon("info")}<span>${t("compose.visitor")} <a href=${signInAddress()}>${t("nav.sign-in")}</a></span>
  </p>`;

const uidKey = (key: string): string => `uid:${key}`;

/** The uid of what is being composed here; it stays the same until the service has it. */
function keptUid(key: string): string {
  const uid = sessionStorage.getItem(uidKey(key)) ?? newUid();
  sessionStorage.setItem(uidKey(key), uid);
  return uid;
}

/** A random UUID; `crypto.randomUUID` is missing where the page is served over plain http. */
function newUid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const text = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

/** A short name for a text; only to tell one try from another. */
function digest(text: string): string {
  let hash = 5381;
  for (const sign of text) hash = (Math.imul(hash, 33) ^ (sign.codePointAt(0) ?? 0)) >>> 0;
  return hash.toString(16);
}
