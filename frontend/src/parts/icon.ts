/** Lucide icons: their drawings are put into the page once, then used by name. */

import { html, type TemplateResult } from "lit-html";
import drawings from "virtual:icons";

const SVG = "http://www.w3.org/2000/svg";

/** An icon by its Lucide name; it is decoration, so say in words what it stands for. */
export function icon(name: string): TemplateResult {
  const known = name in drawings ? name : "map-pin";
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><use href=${`#icon-${known}`}></use></svg>`;
}

/** Put the drawings where `icon` finds them. */
export function addIcons(): void {
  const store = document.createElementNS(SVG, "svg");
  store.setAttribute("class", "icon-store");
  for (const [name, parts] of Object.entries(drawings)) {
    const symbol = document.createElementNS(SVG, "symbol");
    symbol.id = `icon-${name}`;
    symbol.setAttribute("viewBox", "0 0 24 24");
    for (const [tag, attributes] of parts) {
      const part = document.createElementNS(SVG, tag);
      for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
      symbol.append(part);
    }
    store.append(symbol);
  }
  document.body.prepend(store);
}
