/** Draws the land: outlines of areas, their shades, and those that stand out. */

import { token } from "../parts/tones";
import type { AreaTile, Outline } from "./area-tile";
import { STEPS } from "./shades";
import { TILE } from "./cells";

/** Pixels by which neighbouring tiles overlap, so that no hairline shows between two that are stretched. */
export const OVERLAP = 1;
/** Share of the shade's colour in each step. */
const STRENGTHS = [0.07, 0.26, 0.46, 0.68, 0.92];
/** Lines between areas fade in over these zooms of tiles: from afar they would be one blot. */
const [LINES_FROM, LINES_FULL] = [6, 10];
/** Up to this zoom the server leaves slits between areas; a stroke closes them. */
const SLITS_TO = 8;

export interface Look {
  /** Step of each area by code where areas are shaded; without one it is hatched. */
  steps: Map<string, number> | null;
  outlined: ReadonlySet<string>;
  /** There is a base map of somebody else below. */
  ground: boolean;
}

/** Draw a tile of areas; `scale`: how much larger it is shown than drawn. */
export function drawAreas(canvas: HTMLCanvasElement, { outlines }: AreaTile, zoom: number, scale: number, look: Look): void {
  const density = scale === 1 ? Math.min(devicePixelRatio || 1, 2) : 2;
  canvas.width = canvas.height = (TILE + 2 * OVERLAP) * density;
  const brush = canvas.getContext("2d");
  if (!brush) return;
  brush.setTransform(density, 0, 0, density, OVERLAP * density, OVERLAP * density);
  brush.lineJoin = "round";
  const all = pathOf(outlines);
  if (!look.ground) drawLand(brush, all, zoom, density);
  if (look.steps) shade(brush, outlines, look.steps);
  const lines = Math.min(1, Math.max(0, (zoom - LINES_FROM) / (LINES_FULL - LINES_FROM)));
  stroke(brush, all, token("--map-line"), 1.25 / scale, look.ground ? 0.7 * lines : lines);
  const chosen = outlines.filter(({ code }) => look.outlined.has(code));
  if (chosen.length) stroke(brush, pathOf(chosen), token("--ink"), 3 / scale, 1);
}

/** The land lies on the ground like a cut sheet of paper. */
function drawLand(brush: CanvasRenderingContext2D, all: Path2D, zoom: number, density: number): void {
  brush.fillStyle = token("--map-around");
  brush.fillRect(-OVERLAP, -OVERLAP, TILE + 2 * OVERLAP, TILE + 2 * OVERLAP);
  brush.save();
  // A shadow is measured in pixels of the screen, whatever the transform.
  brush.shadowColor = token("--map-shadow");
  brush.shadowBlur = 18 * density;
  brush.shadowOffsetY = 6 * density;
  brush.fillStyle = token("--map-land");
  brush.fill(all);
  brush.restore();
  if (zoom <= SLITS_TO) stroke(brush, all, token("--map-land"), 1.5, 1);
}

function shade(brush: CanvasRenderingContext2D, outlines: Outline[], steps: Map<string, number>): void {
  for (let step = 0; step < STEPS; step += 1) {
    const alike = pathOf(outlines.filter(({ code }) => steps.get(code) === step));
    brush.globalAlpha = 1;
    brush.fillStyle = token("--map-land");
    brush.fill(alike);
    brush.globalAlpha = STRENGTHS[step] ?? 1;
    brush.fillStyle = token("--shade");
    brush.fill(alike);
  }
  brush.globalAlpha = 1;
  brush.setLineDash([3, 3]);
  stroke(brush, pathOf(outlines.filter(({ code }) => !steps.has(code))), token("--ink-soft"), 1, 0.6);
  brush.setLineDash([]);
}

function stroke(brush: CanvasRenderingContext2D, path: Path2D, colour: string, width: number, alpha: number): void {
  if (alpha <= 0) return;
  brush.globalAlpha = alpha;
  brush.strokeStyle = colour;
  brush.lineWidth = width;
  brush.stroke(path);
  brush.globalAlpha = 1;
}

function pathOf(outlines: Outline[]): Path2D {
  const path = new Path2D();
  for (const { rings } of outlines)
    for (const ring of rings) {
      ring.forEach(({ x, y }, at) => (at === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
      path.closePath();
    }
  return path;
}
