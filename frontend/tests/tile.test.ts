import { PbfWriter } from "pbf";
import { expect, test } from "vitest";
import { readTile } from "../src/map/tile";

type Value = string | number;
interface Feature {
  type: 1 | 2 | 3;
  geometry: number[];
  properties: Record<string, Value>;
}

/** Writes a vector tile as the specification has it, so that reading it is a test of its own. */
function tile(layers: Record<string, Feature[]>): ArrayBuffer {
  const out = new PbfWriter();
  for (const [name, features] of Object.entries(layers)) out.writeMessage(3, layer, { name, features });
  const bytes = out.finish();
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

function layer({ name, features }: { name: string; features: Feature[] }, out: PbfWriter): void {
  const keys: string[] = [];
  const values: Value[] = [];
  out.writeVarintField(15, 2);
  out.writeStringField(1, name);
  for (const feature of features) {
    const tags = Object.entries(feature.properties).flatMap(([key, value]) => [keys.push(key) - 1, values.push(value) - 1]);
    out.writeMessage(2, (_: null, part: PbfWriter) => {
      part.writePackedVarint(2, tags);
      part.writeVarintField(3, feature.type);
      part.writePackedVarint(4, feature.geometry);
    }, null);
  }
  for (const key of keys) out.writeStringField(3, key);
  for (const value of values)
    out.writeMessage(4, (_: null, part: PbfWriter) => {
      if (typeof value === "string") part.writeStringField(1, value);
      else part.writeVarintField(5, value);
    }, null);
  out.writeVarintField(5, 4096);
}

const zigzag = (value: number): number => (value << 1) ^ (value >> 31);
const moveTo = (x: number, y: number): number[] => [9, zigzag(x), zigzag(y)];

test("pins come in pixels of a 512 px tile", () => {
  const bytes = tile({
    projects: [{ type: 1, geometry: moveTo(2048, 1024), properties: { uid: "u", title: "<b>T</b>", kind: "project" } }],
  });
  expect(readTile(bytes, ["project"])).toEqual({
    pins: [{ x: 256, y: 128, uid: "u", title: "<b>T</b>", kind: "project" }],
    clusters: [],
    shapes: [],
  });
});

test("clusters name their kinds, most first, and leave out the absent", () => {
  const properties = { count: 7, idea: 2, project: 5, offer: 0 };
  const bytes = tile({ clusters: [{ type: 1, geometry: moveTo(-8, 4096), properties }] });
  expect(readTile(bytes, ["offer", "idea", "project"]).clusters).toEqual([
    { x: -1, y: 512, count: 7, parts: [["project", 5], ["idea", 2]], stack: false, approximate: false },
  ]);
});

test("lines stay open and polygons close", () => {
  const line = [...moveTo(0, 0), 10, zigzag(8), zigzag(0)];
  const ring = [...moveTo(0, 0), 18, zigzag(80), zigzag(0), zigzag(0), zigzag(80), 15];
  const { shapes } = readTile(
    tile({
      shapes: [
        { type: 2, geometry: line, properties: { uid: "l", kind: "project" } },
        { type: 3, geometry: ring, properties: { uid: "p", kind: "place" } },
      ],
    }),
    [],
  );
  expect(shapes.map(({ uid, closed, rings }) => [uid, closed, rings[0]?.length])).toEqual([["l", false, 2], ["p", true, 4]]);
});

test("an empty tile is empty, and rubbish is refused", () => {
  expect(readTile(new ArrayBuffer(0), []).pins).toEqual([]);
  expect(() => readTile(new TextEncoder().encode("<html>not a tile</html>").buffer, [])).toThrow();
});
