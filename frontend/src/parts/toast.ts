/** Short words that say a thing is done. They are spoken, and leave by themselves. */

import { icon } from "./icon";
import { render } from "lit-html";

const STAYS_MS = 6000;

export function toast(text: string): void {
  const box = document.querySelector("#toasts");
  if (!box) return;
  const one = document.createElement("div");
  one.className = "toast";
  const picture = document.createElement("span");
  render(icon("check"), picture);
  one.append(picture, text);
  box.append(one);
  while (box.childElementCount > 3) box.firstElementChild?.remove();
  window.setTimeout(() => one.remove(), STAYS_MS);
}
