/** How far something has come that takes its time. The bar moves often; its words are spoken only when they change much. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Progress } from "../api/desk-types";
import { number, t } from "../i18n";

/** Percent between two words to those who hear the page. */
const SPOKEN_STEP = 25;

export function progressView(what: string, progress: Progress | null): TemplateResult {
  const share = progress?.share ?? null;
  const percent = share === null ? null : Math.round(share * 100);
  const done = progress?.done ? `${number(progress.done)} ${progress.unit ?? ""}` : "";
  const spoken = percent === null ? what : `${what} ${t("progress.share", { n: Math.floor(percent / SPOKEN_STEP) * SPOKEN_STEP })}`;
  return html`<div class="progress">
    <progress max="100" value=${percent ?? nothing} aria-label=${what}></progress>
    <span class="small" aria-hidden="true">${progress?.what ? `${what}: ${progress.what}` : what}${done ? ` · ${done}` : ""}${percent === null ? "" : ` · ${percent} %`}</span>
    <span class="for-readers" role="status">${spoken}</span>
  </div>`;
}
