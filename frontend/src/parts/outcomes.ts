/** What can become of a row of a file: a shape and a colour each, the same in lists, legend and map; never the colour alone. */

import { html, type TemplateResult } from "lit-html";
import { shapePath } from "./shapes";

interface Look {
  shape: string;
  /** A colour token. */
  tone: string;
}

const LOOKS: Record<string, Look> = {
  created: { shape: "circle", tone: "--good" },
  updated: { shape: "diamond", tone: "--shade" },
  already_there: { shape: "square", tone: "--ink-soft" },
  duplicate: { shape: "hexagon", tone: "--accent" },
  conflict: { shape: "triangle", tone: "--accent-strong" },
  unplaced: { shape: "drop", tone: "--paper" },
  retired: { shape: "pentagon", tone: "--ink-soft" },
  outside: { shape: "cross", tone: "--bad" },
  swapped: { shape: "star", tone: "--bad" },
  rejected: { shape: "cross", tone: "--bad" },
};

/** What we do not know is drawn all the same. */
const UNKNOWN: Look = { shape: "circle", tone: "--ink-soft" };

export const lookOf = (is: string): Look => LOOKS[is] ?? UNKNOWN;

/** The mark as it stands in a list. */
export const outcomeMark = (is: string): TemplateResult =>
  html`<svg class="outcome" data-is=${is} viewBox="-2 -2 28 28" aria-hidden="true"><path d=${shapePath(lookOf(is).shape)}></path></svg>`;
