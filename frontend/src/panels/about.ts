/** What this map is, its words, and whose data it shows. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { t } from "../i18n";
import { icon } from "../parts/icon";
import { mark } from "../parts/mark";
import type { Route } from "../router";
import { world } from "../state";

export function enter(_route: Route, host: HTMLElement): void {
  document.title = t("title.page", { page: t("nav.about"), title: world.settings.title });
  render(view(), host);
}

const view = (): TemplateResult => html`<div class="page">
  <h1>${t("about.heading")}</h1>
  <p class="lead">${t("about.lead")}</p>
  <p class="buttons about__go">
    <a class="button button--main" href="/">${icon("map")}${t("about.look")}</a>
    <a class="button" href="/new">${icon("plus")}${t("nav.add")}</a>
  </p>
  <section>
    <h2>${t("about.kinds")}</h2>
    <dl class="words">
      ${world.kinds.map((kind) => html`<dt>${mark(kind.name)}${kind.label}</dt><dd class="soft">${kind.hint}</dd>`)}
    </dl>
  </section>
  <section>
    <h2>${t("about.places")}</h2>
    <p>${t("about.places.text")}</p>
    ${world.settings.illustrative ? html`<p class="notice notice--warm">${icon("info")}<span>${t("desk.illustrative")}</span></p>` : nothing}
  </section>
  <section>
    <h2>${t("about.data")}</h2>
    <p>${t("about.data.text", { licence: world.settings.licence })}</p>
    ${world.settings.attribution ? html`<p class="soft">${world.settings.attribution}</p>` : nothing}
    <p class="buttons">
      <a class="button" href="/docs">${t("about.api")}</a>
      <a class="button" href="/api/v1/assets">${t("about.geojson")}</a>
    </p>
  </section>
  <section>
    <h2>${t("about.made-with")}</h2>
    <p class="soft">${t("about.made-with.text")}</p>
  </section>
</div>`;
