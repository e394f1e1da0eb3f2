/** The small card over a mark, built from DOM nodes: Leaflet would read a string as HTML. */

import { html, render } from "lit-html";
import { number, t } from "../i18n";
import { mark } from "../parts/mark";
import { kindOf } from "../state";
import type { Hit } from "./asset-layer";

/** What a mark is, for the pointer. */
export function cardOf(hit: Hit): HTMLElement {
  const box = document.createElement("div");
  box.className = "map-card";
  if (hit.type === "pin") render(html`${mark(hit.pin.kind)}<strong>${hit.pin.title}</strong>`, box);
  if (hit.type === "cluster")
    render(hit.cluster.parts.map(([kind, n]) => html`<span>${mark(kind)}${n} ${named(kind, n)}</span>`), box);
  return box;
}

/** A ward and its figure; undefined when it may not be shown. */
export function wardCard(ward: string, figure: string, value: number | undefined): HTMLElement {
  const box = document.createElement("div");
  box.className = "map-card";
  const shown = value === undefined ? t("desk.not-shown") : number(value);
  render(html`<strong>${ward}</strong><span>${figure}: ${shown}</span>`, box);
  return box;
}

/** What a mark is, for a screen reader. */
export function spoken(hit: Hit): string {
  if (hit.type === "pin") return t("map.says.pin", { title: hit.pin.title, kind: kindOf(hit.pin.kind).label });
  if (hit.type === "shape") return t("map.says.shape", { kind: kindOf(hit.kind).label });
  const parts = hit.cluster.parts.map(([kind, n]) => `${n} ${named(kind, n)}`).join(", ");
  return t("map.says.cluster", { parts });
}

const named = (kind: string, n: number): string =>
  (n === 1 ? kindOf(kind).label : kindOf(kind).label_plural).toLocaleLowerCase("en-GB");
