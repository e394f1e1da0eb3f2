/** Fields: how each type is shown, and how what was typed becomes a value of the API. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { Field } from "../api/types";
import { t } from "../i18n";
import { icon } from "./icon";

/** What stands in an input: text, or ticked. */
export type Typed = string | boolean;

const INPUT_TYPES: Partial<Record<Field["type"], string>> = {
  url: "url", email: "email", date: "date", "date-time": "datetime-local",
};

/** What an input shows for a value of the API. */
export function typed(field: Field, value: unknown): Typed {
  const present = value ?? field.default;
  if (field.type === "boolean") return present === true;
  if (present === null || present === undefined) return "";
  if (field.type === "date-time") return localTime(present as string);
  return plain(present);
}

/** A value of the API as text. */
export const plain = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** The API's value of what was typed. An empty optional text is "", any other empty value null. Or the fault in words. */
export function valueOf(field: Field, raw: Typed): { value: unknown } | { fault: string } {
  if (typeof raw === "boolean") return { value: raw };
  const text = raw.trim();
  if (!text) {
    if (field.required) return { fault: t("field.needed") };
    return { value: field.type === "text" || field.type === "long-text" ? "" : null };
  }
  if (field.max_length && text.length > field.max_length)
    return { fault: t("field.long", { n: text.length, most: field.max_length }) };
  if (field.type === "integer" || field.type === "number") return numberOf(field, text);
  if (field.type === "url") return addressOf(text);
  if (field.type === "date-time") return { value: new Date(text).toISOString() };
  return { value: text };
}

function numberOf(field: Field, text: string): { value: number } | { fault: string } {
  const value = Number(text.replace(",", "."));
  if (!Number.isFinite(value) || (field.type === "integer" && !Number.isInteger(value)))
    return { fault: t(field.type === "integer" ? "field.whole" : "field.number") };
  const { minimum: least, maximum: most } = field;
  if (least !== null && least !== undefined && value < least) return { fault: t("field.least", { least }) };
  if (most !== null && most !== undefined && value > most) return { fault: t("field.most", { most }) };
  return { value };
}

/** Web addresses only: nothing else may become a link. */
function addressOf(text: string): { value: string } | { fault: string } {
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`;
  return webAddress(whole) && URL.canParse(whole) ? { value: whole } : { fault: t("field.address") };
}

/** The address if it is one of the web, else null; used before any address becomes a link. */
export function webAddress(text: unknown): string | null {
  if (typeof text !== "string" || !URL.canParse(text)) return null;
  return ["http:", "https:"].includes(new URL(text).protocol) ? text : null;
}

/** An instant as a date-and-time input wants it, in the reader's own time. */
export function localTime(instant: string): string {
  const date = new Date(instant);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// Shown -----------------------------------------------------------------------------------------------------------------

export interface Shown {
  field: Field;
  id: string;
  raw: Typed;
  fault: string | undefined;
  change: (raw: Typed) => void;
}

export function fieldView(shown: Shown): TemplateResult {
  const { field } = shown;
  if (field.type === "boolean") return tickView(shown);
  if (field.type === "choice" && (field.options?.length ?? 0) <= 5) return choicesView(shown);
  return html`<div class="field">
    <label class="field__label" for=${shown.id}>${field.label}${optional(field)}</label>
    ${notes(shown)} ${inputView(shown)}
  </div>`;
}

const optional = (field: Field): TemplateResult | typeof nothing =>
  field.required || field.type === "choice" ? nothing : html` <span class="soft">${t("field.optional")}</span>`;

const notes = ({ field, id, fault }: Shown): TemplateResult => html`
  ${field.hint ? html`<span class="field__hint" id=${`${id}-hint`}>${field.hint}</span>` : nothing}
  ${fault ? html`<span class="field__error" id=${`${id}-fault`}>${icon("triangle-alert")}${fault}</span>` : nothing}
`;

const described = ({ field, id, fault }: Shown): string | typeof nothing =>
  [field.hint ? `${id}-hint` : "", fault ? `${id}-fault` : ""].filter(Boolean).join(" ") || nothing;

function inputView(shown: Shown): TemplateResult {
  const { field, id, raw, fault, change } = shown;
  const take = (event: Event): void => change((event.target as HTMLInputElement).value);
  if (field.type === "long-text")
    return html`<textarea class="input ${(field.max_length ?? 0) <= 300 ? "input--line" : ""}" id=${id} name=${field.name}
      rows="2" maxlength=${field.max_length ?? nothing}
      aria-invalid=${fault ? "true" : nothing} aria-describedby=${described(shown)} ?required=${field.required}
      .value=${live(String(raw))} @input=${take}></textarea>`;
  if (field.type === "choice")
    return html`<select class="input" id=${id} name=${field.name} aria-describedby=${described(shown)} @change=${take}>
      ${field.options?.map((one) => html`<option value=${one.value} ?selected=${one.value === raw}>${one.label}</option>`)}
    </select>`;
  const numeric = field.type === "integer" || field.type === "number";
  return html`<input class="input ${numeric ? "input--short" : ""}" id=${id} name=${field.name}
    type=${INPUT_TYPES[field.type] === "url" ? "text" : (INPUT_TYPES[field.type] ?? "text")}
    inputmode=${field.type === "url" ? "url" : numeric ? "decimal" : nothing}
    autocomplete=${field.type === "email" ? "email" : "off"} maxlength=${field.max_length ?? nothing}
    aria-invalid=${fault ? "true" : nothing} aria-describedby=${described(shown)} ?required=${field.required}
    .value=${live(String(raw))} @input=${take} />`;
}

const tickView = ({ field, id, raw, change }: Shown): TemplateResult =>
  html`<div class="field">
    <label class="tick" for=${id}>
      <input type="checkbox" id=${id} name=${field.name} .checked=${live(raw === true)}
        @change=${(event: Event) => change((event.target as HTMLInputElement).checked)} />
      <span>${field.label}${field.hint ? html`<br /><span class="soft small">${field.hint}</span>` : nothing}</span>
    </label>
  </div>`;

const choicesView = (shown: Shown): TemplateResult => {
  const { field, id, raw, change } = shown;
  return html`<fieldset class="field" aria-describedby=${described(shown)}>
    <legend class="field__label">${field.label}</legend>
    ${notes(shown)}
    <div class="chips">
      ${field.options?.map(
        (one) => html`<label class="chip">
          <input type="radio" name=${id} value=${one.value} .checked=${live(raw === one.value)}
            @change=${() => change(one.value)} />${one.label}
        </label>`,
      )}
    </div>
  </fieldset>`;
};
