/** What a project, idea or place asks for. */

import { html, nothing, type TemplateResult } from "lit-html";
import { call, getAll, post, versionTag } from "../../api/client";
import type { Field, Need } from "../../api/types";
import { day, label, t } from "../../i18n";
import { ask } from "../../parts/dialog";
import { icon } from "../../parts/icon";
import { Opener } from "../../parts/opener";
import type { Page, Part } from "./index";

const KINDS = ["people", "skill", "space", "equipment", "money", "permission", "training"];

const fields = (): Field[] => [
  { name: "title", label: t("need.title"), hint: t("need.title.hint"), type: "text", required: true, max_length: 160 },
  { name: "kind", label: t("need.kind"), type: "choice", required: true, default: "people",
    options: KINDS.map((value) => ({ value, label: label("need-kind", value) })) },
  { name: "quantity", label: t("need.quantity"), hint: t("need.quantity.hint"), type: "integer", default: 1, minimum: 1 },
  { name: "blocking", label: t("need.blocking"), type: "boolean" },
  { name: "report_back_on", label: t("need.report-back"), hint: t("need.report-back.hint"), type: "date" },
  { name: "text", label: t("need.text"), type: "long-text", max_length: 2000 },
];

export function needs(page: Page): Part {
  let items: Need[] = [];
  const path = `/assets/${page.uid}/needs`;

  const load = async (): Promise<void> => {
    items = await getAll<Need>(path);
  };
  const renew = async (): Promise<void> => {
    await load();
    await page.reload();
  };
  const asking = new Opener({
    key: `need:${page.uid}`,
    fields,
    send: t("need.add"),
    done: t("need.added"),
    redraw: page.redraw,
    submit: async ({ report_back_on: date, quantity, ...rest }) => {
      await post(path, { ...rest, quantity: quantity ?? 1, ...(date ? { report_back_on: date } : {}) });
      await renew();
    },
  });
  if (page.may("needs.add")) asking.resume();

  const view = (): TemplateResult | typeof nothing => {
    if (!items.length && !page.may("needs.add")) return nothing;
    return html`<section class="cards" aria-labelledby="needs-title">
      <div class="part__head">
        <h2 id="needs-title">${t("needs.heading")}</h2>
        ${page.may("needs.add") && !asking.isOpen
          ? html`<button class="button button--quiet" @click=${asking.open}>${icon("plus")}${t("need.ask")}</button>`
          : nothing}
      </div>
      ${asking.isOpen ? html`<div class="card">${asking.view()}</div>` : nothing}
      ${items.length || asking.isOpen ? nothing : html`<p class="soft">${t("needs.none")}</p>`}
      ${items.map((need) => card(page, need, renew))}
    </section>`;
  };
  return { load, view };
}

function card(page: Page, need: Need, renew: () => Promise<void>): TemplateResult {
  const of = need.quantity > 1;
  return html`<div class="card ${need.state === "open" ? "" : "card--kept"}">
    <h3>${need.title}</h3>
    <p class="facts">
      <span>${label("need-kind", need.kind)}</span>
      ${need.state !== "open" ? html`<span class="tag tag--good">${label("need-state", need.state)}</span>` : nothing}
      ${need.blocking && need.state === "open" ? html`<span class="tag tag--warm">${t("need.is-blocking")}</span>` : nothing}
      ${need.report_back_on ? html`<span>${t("need.reports", { day: day(need.report_back_on) })}</span>` : nothing}
    </p>
    ${of
      ? html`<div><progress class="meter" max=${need.quantity} value=${need.met}
          aria-label=${t("need.so-far", { met: need.met, n: need.quantity })}></progress>
          <p class="small soft">${t("need.so-far", { met: need.met, n: need.quantity })}</p></div>`
      : nothing}
    ${need.text ? html`<p class="small">${need.text}</p>` : nothing}
    ${actions(page, need, renew)}
  </div>`;
}

function actions(page: Page, need: Need, renew: () => Promise<void>): TemplateResult | typeof nothing {
  const may = (act: string): boolean => need.may.includes(act);
  const key = (verb: string): string => `need:${need.uid}:${verb}`;
  const step = (verb: "meet" | "close" | "reopen"): (() => Promise<void>) => async () => {
    await post(`/needs/${need.uid}/${verb}`, verb === "meet" ? { quantity: 1 } : {});
    await renew();
  };
  const remove = (): void =>
    ask({
      key: key("remove"),
      title: t("need.remove.title"),
      text: need.title,
      send: t("need.remove"),
      bad: true,
      submit: async () => {
        await call("DELETE", `/needs/${need.uid}`, { etag: versionTag(need) });
        await renew();
      },
    });
  const { verbs } = page;
  const buttons = [
    may("needs.meet") && need.state === "open"
      ? verbs.button({ key: key("meet"), words: t("need.meet"), icon: "check", done: t("need.met"), act: step("meet") })
      : nothing,
    may("needs.close") && need.state === "open"
      ? verbs.button({ key: key("close"), words: t("need.close"), style: "quiet", act: step("close") })
      : nothing,
    may("needs.reopen") && need.state !== "open"
      ? verbs.button({ key: key("reopen"), words: t("need.reopen"), style: "quiet", act: step("reopen") })
      : nothing,
    may("needs.remove")
      ? html`<button class="button button--quiet" @click=${remove}>${t("need.remove")}</button>`
      : nothing,
  ].filter((button) => button !== nothing);
  if (!buttons.length) return nothing;
  return html`<div class="buttons">${buttons}</div>
    ${verbs.fault(key("meet"), key("close"), key("reopen"))}`;
}
