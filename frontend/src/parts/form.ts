/** A form: its fields, what was typed (kept for this tab until it is sent), what went wrong, and sending. */

import { html, nothing, type TemplateResult } from "lit-html";
import { ApiError, words } from "../api/client";
import type { Field } from "../api/types";
import { t } from "../i18n";
import { fieldView, type Typed, typed, valueOf } from "./fields";
import { icon } from "./icon";
import { toast } from "./toast";
import { signedIn } from "./visitor";

export type Values = Record<string, unknown>;

export interface FormOptions {
  /** Names what is typed here, e.g. "comment:<uid>"; kept for this tab under that name. */
  key: string;
  fields: Field[];
  /** Values to begin with. */
  initial?: Values;
  /** The words of the button that sends. */
  send: string;
  /** What to say when it is done. */
  done?: string;
  /** False for a form that visitors may send. */
  people?: boolean;
  bad?: boolean;
  redraw: () => void;
  submit: (values: Values) => Promise<unknown>;
  cancel?: () => void;
  /** The words of giving up, when they are not "Cancel". */
  otherwise?: string;
}

export class Form {
  /** Sending now. */
  busy = false;
  /** What went wrong with the whole. */
  problem = "";
  /** Fields shown elsewhere than in order call `field` by name. */
  readonly faults = new Map<string, string>();
  private readonly raw = new Map<string, Typed>();
  private initial: Values;

  constructor(readonly options: FormOptions) {
    this.initial = options.initial ?? {};
    const kept = keptFor(options.key);
    for (const field of options.fields) this.raw.set(field.name, kept?.[field.name] ?? this.begins(field));
  }

  /** True when something typed earlier waits under that key. */
  static waits = (key: string): boolean => keptFor(key) !== null;

  /** Forget what was typed. */
  forget(): void {
    sessionStorage.removeItem(storeKey(this.options.key));
    for (const field of this.options.fields) this.raw.set(field.name, this.begins(field));
  }

  /** Stand on other values: fields that were not typed in take them, the others keep what was typed. */
  rebase(initial: Values): void {
    const untouched = this.options.fields.filter((field) => this.get(field.name) === this.begins(field));
    this.initial = initial;
    for (const field of untouched) this.raw.set(field.name, this.begins(field));
  }

  /** What is typed in a field now. */
  get(name: string): Typed {
    return this.raw.get(name) ?? "";
  }

  set(name: string, raw: Typed): void {
    this.raw.set(name, raw);
    if (this.faults.delete(name)) this.options.redraw();
    // Only what was typed: the rest must follow the service when it comes back.
    const own = this.options.fields.filter((field) => this.get(field.name) !== this.begins(field));
    const kept = Object.fromEntries(own.map((field) => [field.name, this.get(field.name)]));
    sessionStorage.setItem(storeKey(this.options.key), JSON.stringify(kept));
  }

  /** The values of all fields, or null with the faults set. */
  read(): Values | null {
    this.faults.clear();
    const values: Values = {};
    for (const field of this.options.fields) {
      const read = valueOf(field, this.get(field.name));
      if ("fault" in read) this.faults.set(field.name, read.fault);
      else values[field.name] = read.value;
    }
    return this.faults.size ? null : values;
  }

  /** Check and send. What was typed stays until the service has it. True when it went well. */
  async send(): Promise<boolean> {
    if (this.busy) return false;
    this.problem = "";
    const values = this.read();
    if (!values) this.fail(t("form.faults", { n: this.faults.size }));
    if (!values || (this.options.people !== false && !signedIn())) return false;
    this.busy = true;
    this.options.redraw();
    try {
      await this.options.submit(values);
    } catch (error) {
      this.busy = false;
      this.refuse(error);
      return false;
    }
    this.busy = false;
    this.forget();
    if (this.options.done) toast(this.options.done);
    this.options.redraw();
    return true;
  }

  /** Show a refusal, with its words beside the fields that it names. */
  refuse(error: unknown): void {
    if (error instanceof ApiError)
      for (const { loc, msg } of error.errors) {
        const field = this.fieldAt(loc);
        if (field) this.faults.set(field.name, msg);
      }
    this.fail(words(error));
  }

  /** One field by name. */
  field(name: string): TemplateResult {
    const field = this.options.fields.find((one) => one.name === name);
    if (!field) throw new Error(`The form ${this.options.key} has no field ${name}.`);
    return fieldView({
      field,
      id: `${this.options.key}-${name}`,
      raw: this.get(name),
      fault: this.faults.get(name),
      change: (raw) => this.set(name, raw),
    });
  }

  /** What went wrong, spoken at once. */
  problemView(): TemplateResult {
    const { problem } = this;
    return html`<div role="alert">
      ${problem
        ? html`<p class="notice notice--bad" tabindex="-1">
            ${icon("triangle-alert")}<span>${problem} ${this.options.fields.length ? t("form.kept") : nothing}</span>
          </p>`
        : nothing}
    </div>`;
  }

  /** The whole form. */
  view(): TemplateResult {
    const { fields, send, cancel, otherwise, bad } = this.options;
    return html`<form class="form" novalidate @submit=${this.onSubmit}>
      ${fields.map((field) => this.field(field.name))} ${this.problemView()}
      <div class="buttons">
        <button class="button ${bad ? "button--bad" : "button--main"}" aria-busy=${String(this.busy)}>${send}</button>
        ${cancel ? html`<button type="button" class="button button--quiet" @click=${cancel}>${otherwise ?? t("cancel")}</button>` : nothing}
      </div>
    </form>`;
  }

  /** For panels that draw their own form element. */
  readonly onSubmit = (event: Event): void => {
    event.preventDefault();
    void this.send().then((well) => well || focusFault(event.target as HTMLElement));
  };

  /** The field that a place in the document means: the one whose name says most of it. */
  private fieldAt(loc: (string | number)[]): Field | undefined {
    const place = `.${loc.join(".")}`;
    const fits = this.options.fields.filter(({ name }) => place.endsWith(`.${name}`));
    return fits.sort((one, other) => other.name.length - one.name.length)[0];
  }

  private readonly begins = (field: Field): Typed => typed(field, this.initial[field.name]);

  private fail(problem: string): void {
    this.problem = problem;
    this.options.redraw();
  }
}

/** Take the reader to the first field at fault. */
function focusFault(form: HTMLElement): void {
  const fault = form.querySelector<HTMLElement>("[aria-invalid=true]");
  (fault ?? form.querySelector<HTMLElement>(".notice--bad"))?.focus();
}

const storeKey = (key: string): string => `typed:${key}`;

function keptFor(key: string): Record<string, Typed> | null {
  try {
    return JSON.parse(sessionStorage.getItem(storeKey(key)) ?? "null") as Record<string, Typed> | null;
  } catch {
    return null;
  }
}
