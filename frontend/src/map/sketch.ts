/** What drawn corners make. */

import type { Geometry, LonLat } from "../api/types";

export type Drawing = "Point" | "LineString" | "Polygon";

const LEAST_CORNERS: Record<Drawing, number> = { Point: 1, LineString: 2, Polygon: 3 };

/** The geometry that these corners make, or null while there are too few. */
export function shapeOf(drawing: Drawing, corners: LonLat[]): Geometry | null {
  const [first] = corners;
  if (!first || corners.length < LEAST_CORNERS[drawing]) return null;
  if (drawing === "Point") return { type: "Point", coordinates: first };
  if (drawing === "LineString") return { type: "LineString", coordinates: corners };
  return { type: "Polygon", coordinates: [[...counterClockwise(corners), counterClockwise(corners)[0] ?? first]] };
}

/** RFC 7946 wants outer rings counter-clockwise. */
function counterClockwise(corners: LonLat[]): LonLat[] {
  const area = corners.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = corners[(at + 1) % corners.length] ?? [x, y];
    return sum + (nextX - x) * (nextY + y);
  }, 0);
  return area > 0 ? [...corners].reverse() : corners;
}
