/** A form that waits behind a button, and opens by itself when something typed earlier waits in it. */

import { nothing, type TemplateResult } from "lit-html";
import type { Field } from "../api/types";
import { Form, type FormOptions } from "./form";

export type OpenerOptions = Omit<FormOptions, "fields" | "cancel"> & { fields: () => Field[] };

export class Opener {
  private form: Form | null = null;

  constructor(private readonly options: OpenerOptions) {}

  get isOpen(): boolean {
    return this.form !== null;
  }

  readonly open = (): void => {
    const { fields, submit, redraw } = this.options;
    const form = new Form({
      ...this.options,
      fields: fields(),
      submit: async (values) => {
        await submit(values);
        this.form = null;
      },
      cancel: () => {
        form.forget();
        this.form = null;
        redraw();
      },
    });
    this.form = form;
    redraw();
  };

  /** Open when the reader was led away while typing, to sign in for one. */
  resume(): void {
    if (!this.form && Form.waits(this.options.key)) this.open();
  }

  view(): TemplateResult | typeof nothing {
    return this.form?.view() ?? nothing;
  }
}
