/** The small card over a mark, built from DOM nodes: Leaflet would read a string as HTML. */

import { html, render } from "lit-html";
import { number, t } from "../i18n";
import { mark } from "../parts/mark";
import { kindOf } from "../state";
import type { Hit } from "./asset-layer";
import type { Tally } from "./tile";

/** What a mark is, for the pointer. */
export function cardOf(hit: Hit): HTMLElement {
  const box = document.createElement("div");
  box.className = "map-card";
  if (hit.type === "pin") render(html`${mark(hit.pin.kind)}<strong>${hit.pin.title}</strong>`, box);
  if (hit.type === "cluster")
    render(hit.cluster.parts.map(([kind, n]) => html`<span>${mark(kind)}${number(n)} ${named(kind, n)}</span>`), box);
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
  const parts = together(hit.cluster.parts.map(([kind, n]) => `${number(n)} ${named(kind, n)}`));
  return t(hit.cluster.stack ? "map.says.stack" : "map.says.cluster", { parts });
}

/** What the map shows, in a sentence. A mark that stands for several may have some of them out of sight: then "about". */
export function inSight({ pins, clusters, parts, approximate }: Tally): string {
  if (!pins) return t("map.says.none");
  const most = [...parts].sort((one, other) => other[1] - one[1]);
  const rest = most.slice(MOST_KINDS).reduce((sum, [, n]) => sum + n, 0);
  const words = most.slice(0, MOST_KINDS).map(([kind, n]) => `${number(n)} ${named(kind, n)}`);
  if (rest) words.push(t("map.says.others", { n: rest }));
  const word = approximate ? "map.says.part" : clusters ? "map.says.about" : "map.says.exact";
  return t(word, { n: pins, parts: together(words) });
}

/** Kinds that a sentence names; the others are summed up. */
const MOST_KINDS = 3;
const together = (words: string[]): string => new Intl.ListFormat("en-GB", { type: "conjunction" }).format(words);

const named = (kind: string, n: number): string =>
  (n === 1 ? kindOf(kind).label : kindOf(kind).label_plural).toLocaleLowerCase("en-GB");
