/** Colours of the kinds, made readable on whatever ground the reader's scheme gives the map. */

import { events } from "../state";
import type { Kind } from "../api/types";

/** Least contrast of a mark against the map's ground: WCAG asks 3 : 1 of graphics, these also colour words. */
const LEAST = 4.5;

const inks = new Map<string, string>();

/** The colour of a kind in the present scheme, as #rrggbb. */
export const inkOf = (kind: string): string => inks.get(kind) ?? "#666666";

const tokens = new Map<string, string>();

/** A colour token of the present scheme, e.g. "--ink". Kept, for the map reads them while it draws. */
export function token(name: string): string {
  const kept = tokens.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  tokens.set(name, kept);
  return kept;
}

/** Work out the inks now and whenever the scheme changes; CSS finds them as --kind-<name>. */
export function paintKinds(kinds: Kind[]): void {
  const paint = (): void => {
    tokens.clear();
    const ground = token("--map-land");
    for (const kind of kinds) {
      inks.set(kind.name, readable(kind.colour, ground, LEAST));
      document.documentElement.style.setProperty(`--kind-${kind.name}`, inkOf(kind.name));
    }
  };
  paint();
  for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"])
    matchMedia(query).addEventListener("change", () => {
      paint();
      events.tell("scheme", undefined);
    });
}

/** The colour, moved towards white or black until it stands out from the ground by that ratio. */
export function readable(colour: string, ground: string, ratio: number): string {
  const towards = luminance(ground) < 0.18 ? 255 : 0;
  let now = channels(colour);
  for (let step = 0; step < 24 && contrast(hex(now), ground) < ratio; step += 1)
    now = now.map((value) => value + (towards - value) * 0.08);
  return hex(now);
}

/** Contrast ratio of two #rrggbb colours after WCAG 2. */
export function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = channels(colour).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** #rrggbb or #rgb. */
function channels(colour: string): number[] {
  const long = colour.length === 4 ? colour.replace(/[^#]/g, "$&$&") : colour;
  return [1, 3, 5].map((start) => Number.parseInt(long.slice(start, start + 2), 16) || 0);
}

const hex = (values: number[]): string =>
  `#${values.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
