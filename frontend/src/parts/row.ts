/** An asset as a row of a list, and the words for where it is. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Asset } from "../api/types";
import { label, metres, span, t } from "../i18n";
import { ifMap } from "../map/handle";
import { keepQuery } from "../router";
import { kindOf, themeLabel } from "../state";
import { icon } from "./icon";
import { mark } from "./mark";

/** A row whose mark on the map lights up while the reader points at it. */
export function row(asset: Asset): TemplateResult {
  const { kind, title, summary } = asset.properties;
  const point = (): void => ifMap((map) => map.point(asset));
  const leave = (): void => ifMap((map) => map.point(null));
  return html`<li class="row" @mouseenter=${point} @mouseleave=${leave} @focusin=${point} @focusout=${leave}>
    ${mark(kind)}
    <div>
      <a class="row__title" href=${keepQuery(`/assets/${asset.id}`)}>${title}</a>
      <span class="for-readers">, ${kindOf(kind).label}</span>
      ${summary ? html`<p class="row__summary">${summary}</p>` : nothing}
      <p class="facts">${facts(asset)}</p>
    </div>
  </li>`;
}

function facts(asset: Asset): TemplateResult {
  const { state, theme, starts_at, ends_at, distance_m, appreciations, stage, kind } = asset.properties;
  return html`
    ${state !== "published" ? html`<span class="tag tag--warm">${label("state", state)}</span>` : nothing}
    ${starts_at ? html`<span>${icon("calendar")}${span(starts_at, ends_at)}</span>` : nothing}
    ${distance_m !== undefined ? html`<span>${icon("locate-fixed")}${metres(distance_m)}</span>` : nothing}
    <span>${icon(asset.properties.anchor ? "map-pin" : "map-pin-off")}${whereWords(asset)}</span>
    ${theme !== "other" ? html`<span>${themeLabel(theme)}</span>` : nothing}
    ${stage !== kindOf(kind).default_stage ? html`<span>${label("stage", stage)}</span>` : nothing}
    ${appreciations ? html`<span>${icon("heart")}${t("row.thanks", { n: appreciations })}</span>` : nothing}
  `;
}

/** Where an asset is, in a few words: its ward, the whole of an area, roughly, or no place. */
export function whereWords(asset: Asset): string {
  const { ward, area, anchor, location_class } = asset.properties;
  if (area) return t("where.area", { area: area.name });
  if (!anchor) return ward ? ward.name : t("where.none");
  const name = ward?.name ?? t("where.outside");
  return location_class === "person" ? t("where.roughly", { ward: name }) : name;
}
