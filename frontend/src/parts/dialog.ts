/** A question that must be answered before going on, with the fields that its answer needs. */

import { html, nothing, render } from "lit-html";
import type { Field } from "../api/types";
import { Form, type Values } from "./form";

export interface Question {
  key: string;
  title: string;
  text?: string;
  fields?: Field[];
  /** The words of the button that does it. */
  send: string;
  done?: string;
  bad?: boolean;
  submit: (values: Values) => Promise<unknown>;
}

/** Ask. The dialog closes when it is done or given up; a refusal stays in it, with what was typed. */
export function ask(question: Question): void {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  const close = (): void => dialog.close();
  const form = new Form({
    ...question,
    fields: question.fields ?? [],
    redraw: () => draw(),
    cancel: close,
    submit: async (values) => {
      await question.submit(values);
      close();
    },
  });
  const draw = (): void => {
    render(
      html`<h2 id="dialog-title">${question.title}</h2>
        ${question.text ? html`<p>${question.text}</p>` : nothing} ${form.view()}`,
      dialog,
    );
  };
  draw();
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
