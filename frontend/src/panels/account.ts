/** My account: who I am here, what I have shared, keys for programs, and leaving. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { call, get, post, words } from "../api/client";
import type { Asset, AssetList, Items, Key, Me } from "../api/types";
import { day, label, t } from "../i18n";
import { ask } from "../parts/dialog";
import { icon } from "../parts/icon";
import { Opener } from "../parts/opener";
import { row } from "../parts/row";
import { go, type Route } from "../router";
import { setViewer, world } from "../state";
import { toast } from "../parts/toast";

const SCOPES = ["assets:read", "assets:write", "take-part", "reports:read", "moderate"];

let host: HTMLElement;
let mine: Asset[] | null = null;
let keys: Key[] = [];
/** The key that was just made: the only time that it can be read. */
let fresh: Key | null = null;
let problem = "";

export function enter(_route: Route, into: HTMLElement): void {
  host = into;
  document.title = t("title.page", { page: t("nav.account"), title: world.settings.title });
  if (!world.viewer) { go("/sign-in?next=/account", { replace: true }); return; }
  mine = null;
  fresh = null;
  draw();
  void load(world.viewer);
}

async function load(me: Me): Promise<void> {
  try {
    const query = { owner: me.uid, stage: "planned,active,ended", limit: "200" };
    const [assets, list] = await Promise.all([get<AssetList>("/assets", query), get<Items<Key>>("/me/keys")]);
    mine = assets.features;
    keys = list.items;
    problem = "";
  } catch (error) {
    problem = words(error);
  }
  draw();
}

function draw(): void {
  if (world.viewer) render(view(world.viewer), host);
}

const view = (me: Me): TemplateResult => html`<div class="page">
  <h1>${me.name || t("nav.account")}</h1>
  <p class="lead soft">${[me.email ?? "", ...roles(me)].filter(Boolean).join(" · ")}</p>
  <div class="buttons account__verbs">
    <button class="button" @click=${rename}>${icon("pencil")}${t("account.rename")}</button>
    <button class="button" @click=${() => void signOut()}>${icon("log-out")}${t("account.sign-out")}</button>
  </div>
  ${problem ? html`<p class="notice notice--bad" role="alert">${problem}</p>` : nothing}
  <section aria-labelledby="mine-title">
    <h2 id="mine-title">${t("account.mine")}</h2>
    ${mine?.length ? html`<ul class="account__rows">${mine.map(row)}</ul>` : nothing}
    ${mine?.length === 0
      ? html`<p class="soft">${t("account.nothing")}</p>
          <p class="buttons"><a class="button button--main" href="/new">${icon("plus")}${t("nav.add")}</a></p>`
      : nothing}
  </section>
  ${keysView()}
  <section>
    <h2>${t("account.leave")}</h2>
    <p class="soft">${t("account.leave.text")}</p>
    <p class="buttons"><button class="button button--bad" @click=${erase}>${t("account.erase")}</button></p>
  </section>
</div>`;

const roles = (me: Me): string[] => [
  ...(me.role === "operator" ? [t("account.operator")] : []),
  ...(me.officer_areas.length ? [t("account.officer", { areas: me.officer_areas.map((area) => area.name).join(", ") })] : []),
];

function rename(): void {
  ask({
    key: "rename",
    title: t("account.rename"),
    fields: [{ name: "name", label: t("sign-in.name"), hint: t("sign-in.name.hint"), type: "text", required: true,
      max_length: 80, default: world.viewer?.name ?? "" }],
    send: t("save"),
    done: t("saved"),
    submit: async (values) => {
      setViewer((await call<Me>("PATCH", "/me", { body: values })).data);
      draw();
    },
  });
}

async function signOut(): Promise<void> {
  await post("/sign-out").catch(() => undefined);
  // What was typed here was this person's.
  sessionStorage.clear();
  setViewer(null);
  toast(t("account.signed-out"));
  go("/");
}

function erase(): void {
  ask({
    key: "erase",
    title: t("account.erase.title"),
    text: t("account.erase.text"),
    send: t("account.erase"),
    done: t("account.erased"),
    bad: true,
    submit: async () => {
      await call("DELETE", "/me");
      sessionStorage.clear();
      setViewer(null);
      go("/");
    },
  });
}

// Keys ------------------------------------------------------------------------------------------------------------------

const making = new Opener({
  key: "key",
  fields: () => [
    { name: "name", label: t("key.name"), hint: t("key.name.hint"), type: "text", required: true, max_length: 80 },
    ...SCOPES.map((scope) => ({ name: scope, label: label("scope", scope), type: "boolean" as const })),
  ],
  send: t("key.make"),
  redraw: draw,
  submit: async ({ name, ...ticked }) => {
    fresh = await post<Key>("/me/keys", { name, scopes: SCOPES.filter((scope) => ticked[scope] === true) });
    keys = (await get<Items<Key>>("/me/keys")).items;
  },
});

const keysView = (): TemplateResult => html`<section aria-labelledby="keys-title">
  <h2 id="keys-title">${t("keys.heading")}</h2>
  <p class="soft">${t("keys.text")} <a href="/docs">${t("keys.docs")}</a></p>
  ${fresh?.key
    ? html`<div class="notice notice--warm account__fresh" role="status">
        ${icon("key-round")}
        <div><p>${t("key.once")}</p><code class="secret">${fresh.key}</code></div>
      </div>`
    : nothing}
  <div class="cards account__keys">
    ${keys.map(
      (key) =>
        html`<div class="card">
          <h3>${key.name}</h3>
          <p class="facts">
            <span>${key.scopes.map((scope) => label("scope", scope)).join(", ")}</span>
            <span>${t("key.made", { day: day(key.created_at) })}</span>
          </p>
          <div class="buttons">
            <button class="button button--quiet" @click=${() => end(key)}>${icon("trash-2")}${t("key.end")}</button>
          </div>
        </div>`,
    )}
  </div>
  ${making.isOpen
    ? html`<div class="card">${making.view()}</div>`
    : html`<p class="buttons"><button class="button" @click=${making.open}>${icon("plus")}${t("key.open")}</button></p>`}
</section>`;

function end(key: Key): void {
  ask({
    key: `key:${key.uid}`,
    title: t("key.end.title", { name: key.name }),
    text: t("key.end.text"),
    send: t("key.end"),
    bad: true,
    submit: async () => {
      await call("DELETE", `/me/keys/${key.uid}`);
      keys = keys.filter((one) => one.uid !== key.uid);
      draw();
    },
  });
}
