/** Draws pins, clusters and shapes of a tile on a canvas. */

import { events, kindOf } from "../state";
import { BOX, shapePath } from "../parts/shapes";
import { inkOf, token } from "../parts/tones";
import { TILE } from "./cells";
import type { Cluster, Shape, TileContent } from "./tile";

/** Pixels around a tile in which its marks may stand out, so that none is cut at the edge. */
export const MARGIN = 48;

const PIN = 22;
const HALO = 3;
const RING = 4;
const FONT = '680 14px "Atkinson Hyperlegible Next Variable", system-ui, sans-serif';

/** Pins look alike but for their kind: each is drawn once on a canvas of its own, and copied from there. */
const sprites = new Map<string, HTMLCanvasElement>();
const outlines = new WeakMap<Shape, Path2D>();
events.on("scheme", () => sprites.clear());

/** A canvas with the tile's content, wider than the tile by the margin on every side. The tile is shown `scale` times
 *  as large as it is; its marks keep their size, and the canvas is fine enough to be stretched. */
export function drawTile(canvas: HTMLCanvasElement, content: TileContent, scale: number): void {
  const density = scale === 1 ? Math.min(devicePixelRatio || 1, 2) : 2;
  canvas.width = canvas.height = (TILE + 2 * MARGIN) * density;
  const brush = canvas.getContext("2d");
  if (!brush) return;
  brush.setTransform(density, 0, 0, density, MARGIN * density, MARGIN * density);
  drawShapes(brush, content.shapes, scale);
  // Marks keep their size on the screen: from here on a step is a pixel of it, and pins stand on whole ones.
  const fine = density / scale;
  for (const { x, y, kind } of content.pins) {
    const sprite = spriteOf(kind, fine);
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.drawImage(
      sprite,
      Math.round((x + MARGIN) * density - sprite.width / 2),
      Math.round((y + MARGIN) * density - sprite.height / 2),
    );
  }
  const colours = { paper: token("--paper"), land: token("--map-land"), ink: token("--ink") };
  brush.font = FONT;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  // The fullest last: where two meet, the number that says most is read.
  for (const cluster of [...content.clusters].sort((one, other) => one.count - other.count)) {
    brush.setTransform(fine, 0, 0, fine, (cluster.x + MARGIN) * density, (cluster.y + MARGIN) * density);
    drawCluster(brush, cluster, colours);
  }
}

/** Radius of a cluster's ring: it grows slowly, so that a thousand does not hide its neighbours. */
export const radiusOf = (cluster: Cluster): number => 15 + Math.min(4 * Math.log10(cluster.count), 13);

/** The outline of a shape, for drawing and for hit-testing. */
export function outline(shape: Shape): Path2D {
  const known = outlines.get(shape);
  if (known) return known;
  const path = new Path2D();
  outlines.set(shape, path);
  for (const ring of shape.rings) {
    ring.forEach((point, at) => (at === 0 ? path.moveTo(point.x, point.y) : path.lineTo(point.x, point.y)));
    if (shape.closed) path.closePath();
  }
  return path;
}

function drawShapes(brush: CanvasRenderingContext2D, shapes: Shape[], scale: number): void {
  brush.save();
  // What a tile holds beyond its edge is drawn by its neighbour; clipping also hides the cut edges of polygons.
  brush.beginPath();
  brush.rect(0, 0, TILE, TILE);
  brush.clip();
  brush.lineJoin = brush.lineCap = "round";
  for (const shape of shapes) {
    const path = outline(shape);
    brush.strokeStyle = brush.fillStyle = inkOf(shape.kind);
    brush.globalAlpha = 0.16;
    if (shape.closed) brush.fill(path);
    brush.globalAlpha = 0.8;
    brush.lineWidth = (shape.closed ? 2 : 4) / scale;
    brush.stroke(path);
  }
  brush.restore();
}

/** The pin of a kind with its halo, so many pixels of canvas to one of the screen. */
function spriteOf(kind: string, fine: number): HTMLCanvasElement {
  const key = `${kind} ${fine}`;
  const known = sprites.get(key);
  if (known) return known;
  const sprite = document.createElement("canvas");
  sprites.set(key, sprite);
  const side = PIN + 2 * HALO + 2;
  sprite.width = sprite.height = Math.ceil(side * fine);
  const brush = sprite.getContext("2d");
  if (!brush) return sprite;
  const path = new Path2D(shapePath(kindOf(kind).shape));
  const size = (PIN / BOX) * fine;
  brush.setTransform(size, 0, 0, size, (sprite.width - PIN * fine) / 2, (sprite.height - PIN * fine) / 2);
  brush.lineJoin = "round";
  brush.strokeStyle = token("--map-land");
  brush.lineWidth = (2 * HALO * BOX) / PIN;
  brush.stroke(path);
  brush.fillStyle = brush.strokeStyle = inkOf(kind);
  brush.lineWidth = 1;
  brush.stroke(path);
  brush.fill(path);
  return sprite;
}

function drawCluster(
  brush: CanvasRenderingContext2D,
  cluster: Cluster,
  colours: { paper: string; land: string; ink: string },
): void {
  const radius = radiusOf(cluster);
  circle(brush, radius + HALO, colours.land);
  circle(brush, radius, colours.paper);
  const total = cluster.parts.reduce((sum, [, count]) => sum + count, 0) || 1;
  const gap = cluster.parts.length > 1 ? 0.14 : 0;
  let angle = -Math.PI / 2;
  brush.lineWidth = RING;
  brush.lineCap = "butt";
  for (const [kind, count] of cluster.parts) {
    const turn = (count / total) * 2 * Math.PI;
    brush.strokeStyle = inkOf(kind);
    brush.beginPath();
    brush.arc(0, 0, radius - RING / 2, angle + gap / 2, angle + Math.max(turn - gap / 2, gap));
    brush.stroke();
    angle += turn;
  }
  brush.fillStyle = colours.ink;
  brush.fillText(short(cluster.count), 0, 1);
}

function circle(brush: CanvasRenderingContext2D, radius: number, colour: string): void {
  brush.beginPath();
  brush.arc(0, 0, radius, 0, 2 * Math.PI);
  brush.fillStyle = colour;
  brush.fill();
}

/** 999, 1.2k, 34k, 1.2m. */
export function short(count: number): string {
  if (count < 1000) return String(count);
  const [value, unit] = count < 999_500 ? [count / 1000, "k"] : [count / 1_000_000, "m"];
  return (value < 9.95 ? value.toFixed(1).replace(".0", "") : Math.round(value).toFixed(0)) + unit;
}
