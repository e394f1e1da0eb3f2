/** The one place where HTML is shown as it is: only what the service has rendered and sanitised itself. */

import { html, type TemplateResult } from "lit-html";
import { unsafeHTML } from "lit-html/directives/unsafe-html.js";

/** `body_html` or `text_html` of an answer, and nothing else. */
export const sanitised = (fromService: string): TemplateResult =>
  html`<div class="prose">${unsafeHTML(fromService)}</div>`;
