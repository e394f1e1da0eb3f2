import { describe, expect, test } from "vitest";
import { isFiltered, listQuery, NO_FILTERS, readFilters, readPosition, tileQuery, writeFilters, writePosition } from "../src/state";
import type { Filters } from "../src/state";

const query = (text: string): URLSearchParams => new URLSearchParams(text);

describe("filters live in the URL", () => {
  test("every filter comes back as it was written", () => {
    const filters: Filters = {
      kind: ["project", "idea"], theme: ["food"], ward: ["X-L08"], stage: ["ended"], q: "pear & plum",
      bbox: [-0.12, 51.4, -0.11, 51.5], here: false, near: [-0.115, 51.461], sort: "title",
    };
    expect(readFilters(query(writeFilters(filters).toString()))).toEqual(filters);
  });

  test("nothing set writes nothing", () => {
    expect(writeFilters(NO_FILTERS).toString()).toBe("");
    expect(readFilters(query(""))).toEqual(NO_FILTERS);
  });

  test("what cannot be read is left out", () => {
    const filters = readFilters(query("bbox=1,2,3&near=here&sort=worst&kind=,,idea"));
    expect(filters).toEqual({ ...NO_FILTERS, kind: ["idea"] });
  });

  test("one spot wins over what the map shows", () => {
    expect(readFilters(query("here=1&bbox=1,2,3,4")).here).toBe(false);
  });

  test("the map's position is carried over", () => {
    expect(writeFilters({ ...NO_FILTERS, q: "x" }, query("at=12/51.5/-0.1&kind=idea")).get("at")).toBe("12/51.5/-0.1");
  });
});

describe("what is asked of the service", () => {
  const view = [-0.2, 51.4, 0, 51.6] as const;

  test("the list asks by box only when the reader wants what the map shows", () => {
    expect(listQuery(NO_FILTERS, [...view])).toEqual({});
    expect(listQuery({ ...NO_FILTERS, here: true }, [...view]).bbox).toBe("-0.200000,51.400000,0.000000,51.600000");
  });

  test("nearest first needs a radius and an order", () => {
    const asked = listQuery({ ...NO_FILTERS, near: [-0.1, 51.5], sort: "title" }, null);
    expect(asked).toEqual({ near: "-0.1,51.5", within: "50000", sort: "near" });
  });

  test("tiles are asked for kinds and words, never for a box or an order", () => {
    const filters: Filters = { ...NO_FILTERS, kind: ["idea"], q: " oak ", here: true, bbox: [1, 2, 3, 4], sort: "title" };
    expect(tileQuery(filters)).toEqual({ kind: "idea", q: "oak" });
  });

  test("order alone is no filter", () => {
    expect(isFiltered({ ...NO_FILTERS, sort: "title" })).toBe(false);
    expect(isFiltered({ ...NO_FILTERS, q: " " })).toBe(false);
    expect(isFiltered({ ...NO_FILTERS, ward: ["X"] })).toBe(true);
  });
});

describe("the map's position", () => {
  test("comes back as it was written", () => {
    const position = readPosition(query(`at=${writePosition({ zoom: 14, centre: [-0.11654, 51.46131] })}`));
    expect(position).toEqual({ zoom: 14, centre: [-0.11654, 51.46131] });
  });

  test.each(["", "12/51.5", "a/b/c", "12/99/0", "12/51/181"])("%j is no position", (text) => {
    expect(readPosition(query(`at=${text}`))).toBeNull();
  });
});
