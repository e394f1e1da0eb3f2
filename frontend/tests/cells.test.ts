import { describe, expect, test } from "vitest";
import type { Geometry, LonLat } from "../src/api/types";
import { boxOf, boxOfCell, cellAt, cellOf, lonLatIn, pixelIn } from "../src/map/cells";
import { shapeOf } from "../src/map/sketch";

describe("an approximate place", () => {
  test("is the middle of its cell, whoever stands in it", () => {
    const { centre, box } = cellOf([-0.1165, 51.4613]);
    const [west, south, east, north] = box;
    for (const point of [[west + 1e-6, south + 1e-6], [east - 1e-6, north - 1e-6], centre] as LonLat[])
      expect(cellOf(point).centre).toEqual(centre);
    expect(centre[0]).toBeCloseTo((west + east) / 2, 6);
    expect(cellOf([east + 1e-6, south + 1e-6]).centre).not.toEqual(centre);
  });

  test("is some 380 metres across in London", () => {
    const [west, south, east, north] = cellOf([-0.1165, 51.4613]).box;
    const across = (east - west) * 111_320 * Math.cos((51.46 * Math.PI) / 180);
    expect(across).toBeGreaterThan(370);
    expect(across).toBeLessThan(390);
    expect((north - south) * 111_200).toBeCloseTo(across, -1);
  });

  test.each([[-180, 85.05], [180, -85.05], [0, 0]] as LonLat[])("%d, %d lies inside the world's cells", (lon, lat) => {
    const [west, south, east, north] = cellOf([lon, lat]).box;
    expect([west, east].every((value) => Math.abs(value) <= 180)).toBe(true);
    expect(south).toBeLessThan(north);
  });
});

describe("what drawn corners make", () => {
  test("too few corners make nothing", () => {
    expect(shapeOf("Point", [])).toBeNull();
    expect(shapeOf("LineString", [[0, 0]])).toBeNull();
    expect(shapeOf("Polygon", [[0, 0], [1, 0]])).toBeNull();
  });

  test("a polygon is closed and runs counter-clockwise, however it was drawn", () => {
    const clockwise: LonLat[] = [[0, 0], [0, 1], [1, 1], [1, 0]];
    for (const corners of [clockwise, [...clockwise].reverse()]) {
      const ring = (shapeOf("Polygon", corners) as Extract<Geometry, { type: "Polygon" }>).coordinates[0] ?? [];
      expect(ring).toHaveLength(5);
      expect(ring[0]).toEqual(ring[4]);
      const area = ring.slice(1).reduce((sum, [x, y], at) => sum + (ring[at]![0] * y - x * ring[at]![1]), 0);
      expect(area).toBeGreaterThan(0);
    }
  });
});

describe("a tile's pixels and the earth", () => {
  test("a point of a tile is where its pixels say", () => {
    const point: LonLat = [-0.1165, 51.4613];
    const tile = cellAt(point, 14);
    const [lon, lat] = lonLatIn(tile, pixelIn(tile, point));
    expect(lon).toBeCloseTo(point[0], 9);
    expect(lat).toBeCloseTo(point[1], 9);
    const [west, south, east, north] = boxOfCell(tile);
    expect(lonLatIn(tile, { x: 0, y: 0 })).toEqual([west, north]);
    expect(lonLatIn(tile, { x: 512, y: 512 })).toEqual([east, south]);
  });

  test("the box around any geometry", () => {
    const square: LonLat[] = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]];
    expect(boxOf({ type: "Point", coordinates: [1, 2] })).toEqual([1, 2, 1, 2]);
    expect(boxOf({ type: "LineString", coordinates: [[1, 2], [-3, 4]] })).toEqual([-3, 2, 1, 4]);
    expect(boxOf({ type: "MultiPolygon", coordinates: [[square], [[[1, 1], [2, 2]]]] })).toEqual([0, 0, 4, 4]);
  });
});
