/** What the shades of the map mean. */

import { html, type TemplateResult } from "lit-html";
import { number, t } from "../i18n";
import { bounds } from "../map/shades";

export function legend(name: string, values: number[]): TemplateResult {
  return html`<div class="legend">
    <strong>${name}</strong>
    <ul>
      ${bounds(values).map(
        ([step, from, to]) =>
          html`<li>
            <i data-shade=${step}></i>${from === to ? number(from) : t("legend.span", { from: number(from), to: number(to) })}
          </li>`,
      )}
    </ul>
  </div>`;
}
