/** A still choropleth as SVG, for paper and for narrow screens, drawn from the same tiles as the map. */

import { html, svg, type TemplateResult } from "lit-html";
import type { Box } from "../api/types";
import { t } from "../i18n";
import { type AreaTile, readAreas } from "../map/area-tile";
import { type CellName, cellAt, pixelIn, TILE } from "../map/cells";

/** Tiles along each side, at most: four answers draw any plan. */
const SIDE = 2;
const NEAREST = 14;
/** Room around the areas, as a share of their width. */
const ROOM = 0.04;

/** What lies in a box; in pixels of its tiles' zoom. */
export interface Plan {
  view: { x: number; y: number; width: number; height: number };
  tiles: { left: number; top: number; content: AreaTile }[];
}

/** Fetch the outlines in the box. Rejects when the service does not answer. */
export async function readPlan(level: string, box: Box, signal: AbortSignal): Promise<Plan> {
  const { first, last } = cover(box);
  const names: CellName[] = [];
  for (let x = first.x; x <= last.x; x += 1) for (let y = first.y; y <= last.y; y += 1) names.push({ ...first, x, y });
  const tiles = await Promise.all(names.map((name) => readTile(level, name, signal)));
  const from = pixelIn(first, [box[0], box[3]]);
  const to = pixelIn(first, [box[2], box[1]]);
  const room = (to.x - from.x) * ROOM;
  const view = { x: from.x - room, y: from.y - room, width: to.x - from.x + 2 * room, height: to.y - from.y + 2 * room };
  const placed = tiles.map((content, at) => ({
    left: ((names[at]?.x ?? 0) - first.x) * TILE, top: ((names[at]?.y ?? 0) - first.y) * TILE, content,
  }));
  return { view, tiles: placed };
}

/** The nearest zoom at which so few tiles cover the box. */
function cover([west, south, east, north]: Box): { first: CellName; last: CellName } {
  for (let level = NEAREST; ; level -= 1) {
    const [first, last] = [cellAt([west, north], level), cellAt([east, south], level)];
    if (level === 0 || (last.x - first.x < SIDE && last.y - first.y < SIDE)) return { first, last };
  }
}

async function readTile(level: string, { level: zoom, x, y }: CellName, signal: AbortSignal): Promise<AreaTile> {
  const response = await fetch(`/tiles/areas/${level}/${zoom}/${x}/${y}.mvt`, { signal });
  if (!response.ok) throw new Error(`Outlines were answered with ${response.status}.`);
  return readAreas(response.status === 204 ? new ArrayBuffer(0) : await response.arrayBuffer());
}

/** The drawing: areas with a step are shaded, those of the table without one are hatched, all others are ground. */
export function planView({ view, tiles }: Plan, steps: Map<string, number | null>, name: string): TemplateResult {
  const pixel = view.width / 640;
  return html`<svg class="plan" role="img" aria-label=${t("plan.says", { name })}
    viewBox=${[view.x, view.y, view.width, view.height].map((value) => value.toFixed(1)).join(" ")}
    stroke-width=${pixel} stroke-dasharray="none">
    ${tiles.map(({ left, top, content }) => svg`<svg x=${left} y=${top} width=${TILE} height=${TILE} overflow="hidden">
      ${content.outlines.map(({ code, rings }) => svg`<path data-shade=${stepOf(steps, code)} d=${pathOf(rings)}></path>`)}
    </svg>`)}
  </svg>`;
}

function stepOf(steps: Map<string, number | null>, code: string): string {
  const step = steps.get(code);
  return step === undefined ? "outside" : step === null ? "none" : String(step);
}

const pathOf = (rings: { x: number; y: number }[][]): string =>
  rings.map((ring) => `M${ring.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`).join("");
