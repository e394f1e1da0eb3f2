/** The organiser's reports back. */

import { html, nothing, type TemplateResult } from "lit-html";
import { call, getAll, post, versionTag } from "../../api/client";
import type { Field, Update } from "../../api/types";
import { ago, day, t } from "../../i18n";
import { ask } from "../../parts/dialog";
import { icon } from "../../parts/icon";
import { Opener } from "../../parts/opener";
import { sanitised } from "../../parts/sanitised";
import type { Page, Part } from "./index";

const TEXT = (): Field => ({
  name: "text",
  label: t("update.text"),
  hint: t("update.text.hint"),
  type: "long-text",
  required: true,
  max_length: 20000,
});

export function updates(page: Page): Part {
  let items: Update[] = [];
  const path = `/assets/${page.uid}/updates`;

  const load = async (): Promise<void> => {
    items = await getAll<Update>(path);
  };
  const writing = new Opener({
    key: `update:${page.uid}`,
    fields: () => [TEXT()],
    send: t("update.send"),
    done: t("update.sent"),
    redraw: page.redraw,
    submit: async (values) => {
      await post(path, values);
      await load();
    },
  });
  if (page.may("updates.post")) writing.resume();

  const view = (): TemplateResult | typeof nothing => {
    if (!items.length && !page.may("updates.post")) return nothing;
    return html`<section aria-labelledby="updates-title">
      <div class="part__head">
        <h2 id="updates-title">${t("updates.heading")}</h2>
        ${page.may("updates.post") && !writing.isOpen
          ? html`<button class="button button--quiet" @click=${writing.open}>${icon("plus")}${t("update.open")}</button>`
          : nothing}
      </div>
      ${writing.isOpen ? html`<div class="card">${writing.view()}</div>` : nothing}
      ${items.length || writing.isOpen ? nothing : html`<p class="soft">${t("updates.none")}</p>`}
      ${items.map(
        (update) =>
          html`<div class="says">
            <p class="says__who">
              <strong>${update.author?.name ?? t("somebody")}</strong>
              <span class="soft" title=${day(update.created_at)}>${ago(update.created_at)}</span>
            </p>
            ${sanitised(update.text_html)} ${own(page, update, load)}
          </div>`,
      )}
    </section>`;
  };
  return { load, view };
}

function own(page: Page, update: Update, load: () => Promise<void>): TemplateResult | typeof nothing {
  if (!update.may.includes("updates.remove")) return nothing;
  const remove = (): void =>
    ask({
      key: `un-update:${update.uid}`,
      title: t("update.remove.title"),
      send: t("update.remove"),
      bad: true,
      submit: async () => {
        await call("DELETE", `/updates/${update.uid}`, { etag: versionTag(update) });
        await load();
        page.redraw();
      },
    });
  return html`<div class="buttons">
    <button class="button button--quiet" @click=${remove}>${t("update.remove")}</button>
  </div>`;
}
