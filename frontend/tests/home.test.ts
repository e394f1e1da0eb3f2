import { describe, expect, test } from "vitest";
import type { Box, LonLat } from "../src/api/types";
import { cellAt, type CellName, pixelIn } from "../src/map/cells";
import { homeOf } from "../src/map/home";
import type { Pin, TileContent } from "../src/map/tile";

const BRITAIN: Box = [-8.65, 49.86, 1.77, 60.87];
const BRIXTON: LonLat = [-0.115, 51.46];
const LERWICK: LonLat = [-1.145, 60.155];

/** A service that holds these places. */
const service = (places: LonLat[]) => (tile: CellName): Promise<TileContent> =>
  Promise.resolve({
    pins: places
      .filter((place) => JSON.stringify(cellAt(place, tile.level)) === JSON.stringify(tile))
      .map((place): Pin => ({ ...pixelIn(tile, place), uid: "", title: "", kind: "project" })),
    clusters: [],
    shapes: [],
  });

const near = (place: LonLat, count: number): LonLat[] =>
  Array.from({ length: count }, (_, at) => [place[0] + (at % 10) * 0.004, place[1] + Math.floor(at / 10) * 0.002]);

const holds = ([west, south, east, north]: Box, [lon, lat]: LonLat): boolean =>
  west <= lon && lon <= east && south <= lat && lat <= north;

describe("where the map stands first", () => {
  test("is the town that the assets are in, of a whole country, whatever single pin is far away", async () => {
    const home = await homeOf(BRITAIN, service([...near(BRIXTON, 100), LERWICK]));
    expect(holds(home, BRIXTON)).toBe(true);
    expect(holds(home, LERWICK)).toBe(false);
    expect(home[2] - home[0]).toBeLessThan(1);
  });

  test("is the whole country when they are all over it", async () => {
    const all = Array.from({ length: 400 }, (_, at): LonLat => [-6 + (at % 20) * 0.36, 50.2 + Math.floor(at / 20) * 0.5]);
    expect(await homeOf(BRITAIN, service(all))).toEqual(BRITAIN);
  });

  test("is all there is when nothing is pinned, and a town is not looked into", async () => {
    expect(await homeOf(BRITAIN, service([]))).toEqual(BRITAIN);
    const town: Box = [-0.15, 51.41, -0.08, 51.51];
    const unasked = (): never => { throw new Error("a tile was asked for"); };
    expect(await homeOf(town, unasked)).toEqual(town);
  });

  test("a single pin is found in the world", async () => {
    const home = await homeOf([-179, -80, 179, 80], service([BRIXTON]));
    expect(holds(home, BRIXTON)).toBe(true);
    expect(home[2] - home[0]).toBeLessThan(6);
  });
});
