/** The sheet of narrow screens: three heights, by drag, by press or by arrow keys. */

import { t } from "../i18n";

export type Height = "peek" | "half" | "full";
const HEIGHTS: Height[] = ["peek", "half", "full"];

const stage = (): HTMLElement | null => document.querySelector<HTMLElement>(".stage");

export function setSheet(height: Height): void {
  const box = stage();
  if (box) box.dataset.sheet = height;
  const grip = document.querySelector(".sheet__grip");
  grip?.setAttribute("aria-label", t(height === "full" ? "sheet.lower" : "sheet.raise"));
  grip?.setAttribute("aria-expanded", String(height !== "peek"));
}

export const sheetHeight = (): Height => (stage()?.dataset.sheet as Height | undefined) ?? "half";

/** Let the grip move the sheet. */
export function bindSheet(grip: HTMLElement, sheet: HTMLElement): void {
  let from: { y: number; height: number } | null = null;
  let moved = false;
  // Writing needs room, and the screen's keyboard takes half of it.
  sheet.addEventListener("focusin", ({ target }) => {
    if (target instanceof HTMLElement && target.matches("input, textarea, select")) setSheet("full");
  });
  grip.addEventListener("pointerdown", (event) => {
    from = { y: event.clientY, height: sheet.offsetHeight };
    moved = false;
    grip.setPointerCapture(event.pointerId);
  });
  grip.addEventListener("pointermove", (event) => {
    if (!from) return;
    const up = from.y - event.clientY;
    if (Math.abs(up) < 6 && !moved) return;
    moved = true;
    sheet.dataset.dragging = "";
    sheet.style.height = `${from.height + up}px`;
  });
  const settle = (): void => {
    if (from && moved) setSheet(nearest(sheet));
    from = null;
    delete sheet.dataset.dragging;
    sheet.style.removeProperty("height");
  };
  grip.addEventListener("pointerup", settle);
  grip.addEventListener("pointercancel", settle);
  grip.addEventListener("click", () => moved || setSheet(sheetHeight() === "full" ? "peek" : next(1)));
  grip.addEventListener("keydown", (event) => {
    if (event.key === "ArrowUp") setSheet(next(1));
    if (event.key === "ArrowDown") setSheet(next(-1));
  });
}

function next(step: number): Height {
  const at = HEIGHTS.indexOf(sheetHeight()) + step;
  return HEIGHTS[Math.max(0, Math.min(at, HEIGHTS.length - 1))] ?? "half";
}

function nearest(sheet: HTMLElement): Height {
  const share = sheet.offsetHeight / (sheet.parentElement?.offsetHeight ?? innerHeight);
  return share < 0.38 ? "peek" : share < 0.74 ? "half" : "full";
}
