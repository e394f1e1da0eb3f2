import { expect, test } from "vitest";
import { areaAt, type AreaTile } from "../src/map/area-tile";
import { cellUnder, type TileContent, tallyOf } from "../src/map/tile";

const square = (left: number, top: number, side: number): { x: number; y: number }[] => [
  { x: left, y: top }, { x: left + side, y: top }, { x: left + side, y: top + side }, { x: left, y: top + side },
];

test("the area under a pixel is the one around it, and not the one whose hole it lies in", () => {
  const tile: AreaTile = {
    outlines: [
      { code: "RING", name: "Ring", rings: [square(0, 0, 100), square(40, 40, 20)], box: { left: 0, top: 0, right: 100, bottom: 100 } },
      { code: "CORE", name: "Core", rings: [square(40, 40, 20)], box: { left: 40, top: 40, right: 60, bottom: 60 } },
    ],
    names: [],
  };
  expect(areaAt(tile, 10, 10)?.code).toBe("RING");
  expect(areaAt(tile, 50, 50)?.code).toBe("CORE");
  expect(areaAt(tile, 150, 50)).toBeNull();
});

const content: TileContent = {
  pins: [{ x: 10, y: 10, uid: "a", title: "A", kind: "idea" }, { x: 500, y: 500, uid: "b", title: "B", kind: "idea" }],
  clusters: [{ x: 100, y: 100, count: 7, parts: [["project", 5], ["idea", 2]], stack: false, approximate: true }],
  shapes: [],
};

test("only what has its mark in sight is counted, by kind", () => {
  const all = tallyOf([{ content, left: 0, top: 0, right: 512, bottom: 512 }]);
  expect([all.pins, all.clusters, all.approximate]).toEqual([9, 1, true]);
  expect([...all.parts]).toEqual([["idea", 4], ["project", 5]]);
  const corner = tallyOf([{ content, left: 400, top: 400, right: 900, bottom: 900 }]);
  expect([corner.pins, corner.clusters]).toEqual([1, 0]);
});

test("a cluster stands for one square of its tile, which is a tile three zooms down", () => {
  expect(cellUnder({ level: 5, x: 3, y: 2 }, content, { x: 100, y: 511.9 })).toEqual({ level: 8, x: 25, y: 23 });
});

test("in the coarser grid of a crowded tile a cluster stands for a larger square, down to the tile itself", () => {
  const one = { x: 300, y: 100, parts: [], stack: false, approximate: false };
  const holding = (count: number, approximate = false): TileContent => ({
    pins: [], shapes: [], clusters: [{ ...one, count: count - 10, approximate }, { ...one, count: 10 }],
  });
  const under = (level: number, tile: TileContent) => cellUnder({ level, x: 0, y: 0 }, tile, one);
  expect(under(14, holding(20_001))).toEqual({ level: 16, x: 2, y: 0 });
  expect(under(15, holding(20_001))).toEqual({ level: 16, x: 1, y: 0 });
  expect(under(16, holding(20_001))).toEqual({ level: 16, x: 0, y: 0 });
  for (const [level, tile] of [[13, holding(20_001)], [14, holding(20_000)], [17, holding(20_001)], [14, holding(20_001, true)]] as const)
    expect(under(level, tile).level).toBe(level + 3);
});
