/** What owners and officers may do to the asset itself, and how anybody raises a concern. */

import { html, nothing, type TemplateResult } from "lit-html";
import { call, post } from "../../api/client";
import { t, type Word } from "../../i18n";
import { ask } from "../../parts/dialog";
import { icon } from "../../parts/icon";
import { outcome } from "../../parts/outcome";
import { toast } from "../../parts/toast";
import type { Verb } from "../../parts/verb";
import { go, keepQuery } from "../../router";
import { events } from "../../state";
import { flag } from "./flag";
import type { Page, Part } from "./index";

export function owning(page: Page): Part {
  const view = (): TemplateResult => html`
    <section class="buttons">
      ${page.may("assets.publish") ? page.verbs.button(publishing(page)) : nothing}
      ${page.may("assets.withdraw")
        ? html`<button class="button button--quiet" @click=${() => withdraw(page)}>
            ${icon("trash-2")}${t("verb.withdraw")}
          </button>`
        : nothing}
      ${page.may("moderation.hide")
        ? html`<button class="button button--bad" @click=${() => moderate(page, "hide")}>
            ${icon("eye-off")}${t(waits(page) ? "verb.refuse" : "verb.hide")}
          </button>`
        : nothing}
      ${page.may("moderation.restore")
        ? html`<button class="button" @click=${() => moderate(page, "restore")}>
            ${t(waits(page) ? "verb.publish" : "verb.restore")}
          </button>`
        : nothing}
      ${page.offers("flags.raise") && !page.may("assets.amend")
        ? html`<button class="button button--quiet" @click=${() => flag(page.uid)}>${icon("flag")}${t("flag.open")}</button>`
        : nothing}
      ${page.verbs.fault("publish")}
    </section>
  `;
  return { load: () => Promise.resolve(), view };
}

/** True for what a moderator has not looked at yet. */
const waits = (page: Page): boolean => page.asset().properties.state === "pending";

const publishing = (page: Page): Verb => ({
  key: "publish",
  words: t("verb.publish"),
  icon: "check",
  style: "main",
  act: async () => {
    await call("PATCH", `/assets/${page.uid}`, { body: { properties: { state: "published" } }, etag: page.etag() });
    await page.reload();
    toast(outcome(page.asset()));
  },
});

const withdraw = (page: Page): void =>
  ask({
    key: `withdraw:${page.uid}`,
    title: t("withdraw.title"),
    text: t("withdraw.text"),
    send: t("verb.withdraw"),
    done: t("withdraw.done"),
    bad: true,
    submit: async () => {
      await call("DELETE", `/assets/${page.uid}`, { etag: page.etag() });
      events.tell("changed", null);
      go(keepQuery("/"));
    },
  });

function moderate(page: Page, verb: "hide" | "restore"): void {
  const hiding = verb === "hide";
  const words: Record<"title" | "send" | "done", Word> = waits(page)
    ? hiding
      ? { title: "refuse.title", send: "verb.refuse", done: "hide.done" }
      : { title: "release.title", send: "verb.publish", done: "published" }
    : hiding
      ? { title: "hide.title", send: "verb.hide", done: "hide.done" }
      : { title: "restore.title", send: "verb.restore", done: "restore.done" };
  ask({
    key: `${verb}:${page.uid}`,
    title: t(words.title),
    text: t(hiding ? "hide.text" : "restore.text"),
    fields: [{ name: "reason", label: t("hide.reason"), type: "long-text", required: true, max_length: 500 }],
    send: t(words.send),
    done: t(words.done),
    bad: hiding,
    submit: async (values) => {
      await post(`/assets/${page.uid}/${verb}`, values);
      await page.reload();
    },
  });
}
