/** An address that leads nowhere. */

import { html, render } from "lit-html";
import { t } from "../i18n";
import { mark } from "../parts/mark";
import type { Route } from "../router";
import { world } from "../state";

export function enter(_route: Route, host: HTMLElement): void {
  document.title = t("title.page", { page: t("missing.heading"), title: world.settings.title });
  render(
    html`<div class="page empty">
      <p class="empty__marks">${world.kinds.map((kind) => mark(kind.name))}</p>
      <h1>${t("missing.heading")}</h1>
      <p class="lead soft">${t("missing.text")}</p>
      <p class="buttons">
        <a class="button button--main" href="/">${t("missing.map")}</a>
        <a class="button" href="/new">${t("nav.add")}</a>
      </p>
    </div>`,
    host,
  );
}
