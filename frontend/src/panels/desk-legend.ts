/** What the shades of the map mean. */

import { html, nothing, type TemplateResult } from "lit-html";
import { number, t } from "../i18n";
import { bounds } from "../map/shades";

/** Where the map's legend stands. */
export const legendBox = (): HTMLElement | null => document.getElementById("legend");

/** `gaps`: some areas have no figure that may be shown. */
export function legend(name: string, values: number[], gaps: boolean, style: "legend" | "key"): TemplateResult {
  return html`<div class=${style}>
    <strong>${name}</strong>
    <ul>
      ${(values.length ? bounds(values) : []).map(
        ([step, from, to]) =>
          html`<li>
            <i data-shade=${step}></i>${from === to ? number(from) : t("legend.span", { from: number(from), to: number(to) })}
          </li>`,
      )}
      ${gaps ? html`<li><i data-shade="none"></i>${t("desk.not-shown")}</li>` : nothing}
    </ul>
  </div>`;
}
