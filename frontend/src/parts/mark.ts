/** The mark of a kind: its colour and its shape, the same wherever a kind is named. */

import { html, type TemplateResult } from "lit-html";
import { kindOf } from "../state";
import { icon } from "./icon";
import { shapePath } from "./shapes";

/** The small shape alone. */
export const mark = (kind: string): TemplateResult =>
  html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true" .style=${tint(kind)}>
    <path d=${shapePath(kindOf(kind).shape)}></path>
  </svg>`;

/** The shape, large, with the kind's icon in it. */
export const bigMark = (kind: string): TemplateResult =>
  html`<span class="big-mark" .style=${tint(kind)}>
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${shapePath(kindOf(kind).shape)}></path></svg>
    ${icon(kindOf(kind).icon)}
  </span>`;

/** The style that gives an element the kind's colour as --kind; set through CSSOM, as the content policy asks. */
export const tint = (kind: string): string => `--kind: var(--kind-${kindOf(kind).name}, #666)`;
