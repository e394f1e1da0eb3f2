/** Buttons that do one thing at once. While it runs they wait; a refusal is said beside them. */

import { html, nothing, type TemplateResult } from "lit-html";
import { words } from "../api/client";
import { icon } from "./icon";
import { toast } from "./toast";
import { signedIn } from "./visitor";

export interface Verb {
  /** Unlike every other verb of the panel. */
  key: string;
  words: string;
  icon?: string;
  style?: "main" | "quiet" | "bad" | "thanks";
  pressed?: boolean;
  /** What to say when it is done. */
  done?: string;
  act: () => Promise<unknown>;
}

export class Verbs {
  private readonly busy = new Set<string>();
  private readonly faults = new Map<string, string>();

  constructor(private readonly redraw: () => void) {}

  button(verb: Verb): TemplateResult {
    return html`<button type="button" class="button ${verb.style ? `button--${verb.style}` : ""}"
      aria-busy=${String(this.busy.has(verb.key))} aria-pressed=${verb.pressed ?? nothing}
      @click=${() => void this.run(verb)}>${verb.icon ? icon(verb.icon) : nothing}${verb.words}</button>`;
  }

  /** What went wrong with one of these verbs. */
  fault(...keys: string[]): TemplateResult {
    const said = keys.map((key) => this.faults.get(key)).find(Boolean);
    return html`<div role="alert">
      ${said ? html`<p class="field__error">${icon("triangle-alert")}${said}</p>` : nothing}
    </div>`;
  }

  private async run(verb: Verb): Promise<void> {
    if (this.busy.has(verb.key) || !signedIn()) return;
    this.busy.add(verb.key);
    this.faults.delete(verb.key);
    this.redraw();
    try {
      await verb.act();
      if (verb.done) toast(verb.done);
    } catch (error) {
      this.faults.set(verb.key, words(error));
    } finally {
      this.busy.delete(verb.key);
      this.redraw();
    }
  }
}
