/** Draws the land: outlines of areas, their shades, and those that stand out. */

import { token } from "../parts/tones";
import type { AreaTile, Outline } from "./area-tile";
import { STEPS } from "./shades";
import { TILE } from "./cells";

/** Pixels by which neighbouring tiles overlap, so that no hairline shows between two that are stretched. */
export const OVERLAP = 1;
/** Percentage of the shade's colour in each step, as in the legend. */
const STRENGTHS = [7, 26, 46, 68, 92];
/** How much of somebody else's base map the shades hide. */
const COVER = 0.75;
/** Lines between areas fade in over these zooms of tiles: from afar they would be one blot. */
const [LINES_FROM, LINES_FULL] = [6, 10];
/** Up to this zoom there are slits between areas that the service simplified; a wider stroke closes them. */
const SLITS_TO = 7;
/** Areas in a tile above which it is drawn without finery. */
const MANY = 300;
/** Pixels by which the edge of the paper shows below it. */
const EDGE = 2;

export interface Look {
  /** Step of each area by code where areas are shaded; without one it is hatched. */
  steps: Map<string, number> | null;
  outlined: ReadonlySet<string>;
  /** There is a base map of somebody else below. */
  ground: boolean;
}

/** Draw a tile of areas; `scale`: how much larger it is shown than drawn. Each area is a path of its own: as one path the
 *  wards of a country took seconds, one by one they take milliseconds. */
export function drawAreas(canvas: HTMLCanvasElement, { outlines }: AreaTile, zoom: number, scale: number, look: Look): void {
  const density = scale === 1 ? Math.min(devicePixelRatio || 1, 2) : 2;
  canvas.width = canvas.height = (TILE + 2 * OVERLAP) * density;
  const brush = canvas.getContext("2d");
  if (!brush) return;
  brush.setTransform(density, 0, 0, density, OVERLAP * density, OVERLAP * density);
  brush.lineJoin = "round";
  const paths = outlines.map(({ code, rings }): Land => ({ code, path: pathOf(rings) }));
  if (!look.ground) drawLand(brush, paths, zoom, density);
  if (look.steps) shade(brush, paths, look.steps, look.ground);
  const lines = Math.min(1, Math.max(0, (zoom - LINES_FROM) / (LINES_FULL - LINES_FROM)));
  // A line of one pixel of the canvas is drawn many times faster than a wider one.
  const width = paths.length > MANY ? 1 / density : 1.25 / scale;
  stroke(brush, paths, token("--map-line"), width, look.ground ? 0.7 * lines : lines);
  const chosen = paths.filter(({ code }) => look.outlined.has(code));
  stroke(brush, chosen, token("--ink"), 3 / scale, 1);
}

/** An area as it is drawn. */
export interface Land {
  code: string;
  path: Path2D;
}

/** The land lies on the ground like a cut sheet of paper. */
function drawLand(brush: CanvasRenderingContext2D, paths: Land[], zoom: number, density: number): void {
  brush.fillStyle = token("--map-around");
  brush.fillRect(-OVERLAP, -OVERLAP, TILE + 2 * OVERLAP, TILE + 2 * OVERLAP);
  if (paths.length <= MANY) {
    brush.translate(0, EDGE);
    fill(brush, paths, token("--map-edge"));
    brush.translate(0, -EDGE);
  }
  fill(brush, paths, token("--map-land"));
  // Neighbours meet in half-covered pixels: a thin stroke closes the seam.
  stroke(brush, paths, token("--map-land"), (zoom <= SLITS_TO ? 1.5 : 1) / density, 1);
}

/** Shade areas by their steps. From afar small areas lie over one another: each step is one whole colour, for veils that
 *  add up would show a higher figure than any of them has. */
export function shade(brush: CanvasRenderingContext2D, paths: Land[], steps: Map<string, number>, ground: boolean): void {
  brush.globalAlpha = ground ? COVER : 1;
  for (let step = 0; step < STEPS; step += 1) {
    const alike = paths.filter(({ code }) => steps.get(code) === step);
    fill(brush, alike, `color-mix(in srgb, ${token("--shade")} ${STRENGTHS[step] ?? 100}%, ${token("--map-land")})`);
  }
  brush.globalAlpha = 1;
  brush.setLineDash([3, 3]);
  stroke(brush, paths.filter(({ code }) => !steps.has(code)), token("--ink-soft"), 1, 0.6);
  brush.setLineDash([]);
}

function fill(brush: CanvasRenderingContext2D, paths: Land[], colour: string): void {
  brush.fillStyle = colour;
  for (const { path } of paths) brush.fill(path);
}

function stroke(brush: CanvasRenderingContext2D, paths: Land[], colour: string, width: number, alpha: number): void {
  if (alpha <= 0) return;
  brush.globalAlpha = alpha;
  brush.strokeStyle = colour;
  brush.lineWidth = width;
  for (const { path } of paths) brush.stroke(path);
  brush.globalAlpha = 1;
}

function pathOf(rings: Outline["rings"]): Path2D {
  const path = new Path2D();
  for (const ring of rings) {
    ring.forEach(({ x, y }, at) => (at === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
    path.closePath();
  }
  return path;
}
