/** The frame that every panel stands in: bar, map, list and panel layers, and the page that stands alone. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { t, type Word } from "../i18n";
import { keepQuery, type Layout, type Route, route } from "../router";
import { isOfficer, myAreas, world } from "../state";
import { icon } from "./icon";
import { mark } from "./mark";
import { bindSheet, setSheet } from "./sheet";

/** Where a panel draws itself, by the layout it asks for. */
export function hostOf(layout: Layout): HTMLElement {
  const id = layout === "list" ? "list" : layout === "page" ? "alone" : "over";
  const host = document.getElementById(id);
  if (!host) throw new Error("The frame is not drawn yet.");
  return host;
}

/** Draw the frame for a route. What panels and the map drew inside it stays. */
export function drawFrame(now: Route, changed: boolean): void {
  render(frame(now.layout), document.body);
  document.querySelector<HTMLElement>("#list")?.toggleAttribute("inert", now.layout !== "list");
  document.querySelector<HTMLElement>("#over")?.toggleAttribute("inert", !["over", "split"].includes(now.layout));
  if (changed) setSheet(["over", "split"].includes(now.layout) && now.name !== "asset" ? "full" : "half");
}

/** Wire what only needs wiring once. */
export function bindFrame(): void {
  const grip = document.querySelector<HTMLElement>(".sheet__grip");
  const sheet = document.querySelector<HTMLElement>(".sheet");
  if (grip && sheet) bindSheet(grip, sheet);
}

const frame = (layout: Layout): TemplateResult => html`
  <a class="skip" href=${layout === "page" ? "#alone" : "#panel"} @click=${toPanel}>${t("skip")}</a>
  <header class="bar">
    <a class="brand" href="/">
      <span class="brand__marks">${["project", "offer", "idea"].map((kind) => mark(kind))}</span>${world.settings.title}
    </a>
    <nav class="ways" aria-label=${t("nav.label")}>
      ${way(keepQuery("/"), "nav.map", "map", ["explore", "asset"])}
      ${way("/desk", isOfficer(world.viewer) || myAreas(world.viewer).length ? "nav.desk" : "nav.wards", "table-2", ["desk"])}
      ${way("/about", "nav.about", "info", ["about"], "way--roomy")}
      ${way(keepQuery("/new"), "nav.add", "plus", ["compose"], "way--add")}
      ${world.viewer
        ? way("/account", "nav.account", "user-round", ["account"])
        : way("/sign-in", "nav.sign-in", "user-round", ["sign-in"])}
    </nav>
  </header>
  <main class="stage" data-layout=${layout}>
    <section class="map" aria-label=${t("map.label")}>
      <div id="map-box" tabindex="0" role="application" aria-label=${t("map.how")}></div>
      <div class="crosshair" aria-hidden="true"></div>
      <div id="map-tools" class="map__tools"></div>
      <div id="map-task" class="map__task"></div>
      <p id="map-part" class="map__part" role="status"></p>
      <div class="map__notes">${notes()}</div>
      <div id="legend"></div>
      <p id="map-says" class="for-readers" aria-live="polite"></p>
    </section>
    <div class="sheet" id="panel">
      <button type="button" class="sheet__grip" aria-label=${t("sheet.raise")}><span></span></button>
      <div class="sheet__layers">
        <div class="layer" id="list" tabindex="-1"></div>
        <div class="layer layer--over" id="over" tabindex="-1"></div>
      </div>
    </div>
    <div class="alone" id="alone" tabindex="-1"></div>
  </main>
  <div id="toasts" class="toasts" role="status" aria-live="polite"></div>
`;

const way = (href: string, words: Word, picture: string, names: string[], style = ""): TemplateResult =>
  html`<a class="way ${style}" href=${href} aria-current=${names.some((name) => `${route.name}-`.startsWith(`${name}-`)) ? "page" : nothing}
    >${icon(picture)}<span>${t(words)}</span></a
  >`;

/** What must be said wherever the map stands: that ward shapes are made up, and who made the ground. */
const notes = (): TemplateResult => html`
  ${world.settings.bounds ? nothing : html`<span>${t("map.no-areas")}</span>`}
  ${world.settings.illustrative ? html`<span>${t("illustrative")}</span>` : nothing}
  ${world.settings.tile_attribution ? html`<span>${world.settings.tile_attribution}</span>` : nothing}
  ${world.settings.attribution ? html`<span>${world.settings.attribution}</span>` : nothing}
`;

function toPanel(event: Event): void {
  event.preventDefault();
  hostOf(route.layout).focus();
}
