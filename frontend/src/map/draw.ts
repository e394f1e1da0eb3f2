/** Draws pins, clusters and shapes of a tile on a canvas. */

import { kindOf } from "../state";
import { BOX, shapePath } from "../parts/shapes";
import { inkOf, token } from "../parts/tones";
import { type Cluster, type Pin, type Shape, TILE, type TileContent } from "./tile";

/** Pixels around a tile in which its marks may stand out, so that none is cut at the edge. */
export const MARGIN = 48;

const PIN = 22;
const HALO = 3;
const RING = 4;
const FONT = '680 14px "Atkinson Hyperlegible Next Variable", system-ui, sans-serif';

const paths = new Map<string, Path2D>();

/** A canvas with the tile's content, wider than the tile by the margin on every side. The tile is shown `scale` times
 *  as large as it is; its marks keep their size, and the canvas is fine enough to be stretched. */
export function drawTile(canvas: HTMLCanvasElement, content: TileContent, scale: number): void {
  const density = scale === 1 ? Math.min(devicePixelRatio || 1, 2) : 2;
  canvas.width = canvas.height = (TILE + 2 * MARGIN) * density;
  const brush = canvas.getContext("2d");
  if (!brush) return;
  brush.scale(density, density);
  brush.translate(MARGIN, MARGIN);
  const colours = { paper: token("--paper"), land: token("--map-land"), ink: token("--ink") };
  drawShapes(brush, content.shapes, scale);
  for (const pin of content.pins) unstretched(brush, pin, scale, () => drawPin(brush, pin, colours.land));
  for (const cluster of content.clusters)
    unstretched(brush, cluster, scale, () => drawCluster(brush, cluster, colours));
}

/** Draw around a place as its origin, in pixels of the screen. */
function unstretched(brush: CanvasRenderingContext2D, at: { x: number; y: number }, scale: number, draw: () => void): void {
  brush.save();
  brush.translate(at.x, at.y);
  brush.scale(1 / scale, 1 / scale);
  draw();
  brush.restore();
}

/** Radius of a cluster's ring: it grows slowly, so that a thousand does not hide its neighbours. */
export const radiusOf = (cluster: Cluster): number => 15 + Math.min(4 * Math.log10(cluster.count), 13);

/** The outline of a shape, for drawing and for hit-testing. */
export function outline(shape: Shape): Path2D {
  const path = new Path2D();
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

function drawPin(brush: CanvasRenderingContext2D, pin: Pin, halo: string): void {
  const path = pathOf(kindOf(pin.kind).shape);
  const scale = PIN / BOX;
  brush.translate(-PIN / 2, -PIN / 2);
  brush.scale(scale, scale);
  brush.lineJoin = "round";
  brush.strokeStyle = halo;
  brush.lineWidth = (2 * HALO) / scale;
  brush.stroke(path);
  brush.fillStyle = brush.strokeStyle = inkOf(pin.kind);
  brush.lineWidth = 1;
  brush.stroke(path);
  brush.fill(path);
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
  brush.font = FONT;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  brush.fillStyle = colours.ink;
  brush.fillText(short(cluster.count), 0, 1);
}

function circle(brush: CanvasRenderingContext2D, radius: number, colour: string): void {
  brush.beginPath();
  brush.arc(0, 0, radius, 0, 2 * Math.PI);
  brush.fillStyle = colour;
  brush.fill();
}

function pathOf(shape: string): Path2D {
  const path = paths.get(shape) ?? new Path2D(shapePath(shape));
  paths.set(shape, path);
  return path;
}

/** 999, 1.2k, 34k, 1.2m. */
export function short(count: number): string {
  if (count < 1000) return String(count);
  const [value, unit] = count < 999_500 ? [count / 1000, "k"] : [count / 1_000_000, "m"];
  return (value < 9.95 ? value.toFixed(1).replace(".0", "") : Math.round(value).toFixed(0)) + unit;
}
