import { describe, expect, test } from "vitest";
import type { Import, WardReport } from "../src/api/desk-types";
import { areaRows, before, daysAgo, grouped, namesakes, queryOf, valueIn } from "../src/api/reports";
import { lookOf } from "../src/parts/outcomes";
import { Mapping } from "../src/parts/import-mapping";

const column = (name: string, group: string) => ({ name, group, label: name, unit: "n", definition: "", counts_persons: false });

const report: WardReport = {
  title: "", level: "ward", at: "2026-11-23T12:00:00Z", set: null,
  columns: [column("open_needs", "needs"), column("hours", "pledges"), column("met_needs", "needs")],
  rows: [
    { ward_code: "A", ward_name: "Abbey", open_needs: 3, hours: null, suppressed: ["hours"] },
    { ward_code: "B", ward_name: "Bow", open_needs: 0, hours: 4, suppressed: ["hours"] },
    { ward_code: "", ward_name: "Area-wide", open_needs: 1, hours: 0, suppressed: [] },
  ],
  totals: { open_needs: 4, hours: 9 },
  before: { from: "2026-09-01", to: "2026-10-01", rows: { A: { open_needs: 5 } }, totals: { open_needs: 6 } },
};

describe("a report", () => {
  test("is asked for with what was chosen and nothing else", () => {
    expect(queryOf({ areas: [] })).toEqual({});
    expect(queryOf({ areas: ["A", "B"], since: "", at: "2026-05-01" })).toEqual({ area: "A,B", at: "2026-05-01" });
  });

  test("a figure that is left out is null, even where a number came with it", () => {
    const [abbey, bow] = areaRows(report);
    expect(areaRows(report)).toHaveLength(2);
    expect([valueIn(abbey!, "open_needs"), valueIn(abbey!, "hours")]).toEqual([3, null]);
    expect([valueIn(bow!, "open_needs"), valueIn(bow!, "hours"), valueIn(bow!, "unheard-of")]).toEqual([0, null, null]);
  });

  test("the period before is known of each area and of the whole, or not at all", () => {
    expect([before(report, "A", "open_needs"), before(report, null, "open_needs")]).toEqual([5, 6]);
    expect([before(report, "B", "open_needs"), before({ ...report, before: null }, "A", "open_needs")]).toEqual([undefined, undefined]);
  });

  test("columns stand under their groups in the order of the report", () => {
    const groups = [...grouped(report.columns)].map(([group, columns]) => [group, columns.map(({ name }) => name)]);
    expect(groups).toEqual([["needs", ["open_needs", "met_needs"]], ["pledges", ["hours"]]]);
  });

  test("names that more than one ward has are known", () => {
    const rows = areaRows(report);
    expect([...namesakes(rows)]).toEqual([]);
    expect([...namesakes([...rows, { ...rows[0]!, ward_code: "C" }])]).toEqual(["Abbey"]);
  });

  test("days ago", () => {
    expect(daysAgo(30, new Date("2026-11-23T00:30:00Z"))).toBe("2026-10-24");
  });
});

test("no two outcomes that a map can show look alike but those that are left out", () => {
  const names = ["created", "updated", "already_there", "duplicate", "conflict", "unplaced", "retired", "outside", "swapped"];
  expect(new Set(names.map((name) => lookOf(name).shape)).size).toBe(names.length);
  expect(lookOf("rejected")).toEqual(lookOf("outside"));
});

describe("the meaning of columns", () => {
  const read = {
    kind: "place", theme: "other", source: "A list", key: null, crs: null, map: { title: "Name" }, fields: ["title", "summary"],
    columns: [
      { name: "Name", samples: [], field: "title" }, { name: "Notes", samples: [], field: null }, { name: "More", samples: [], field: null },
    ],
  } as unknown as Import;

  test("a column means one thing, and a thing has one column; only what was said is sent", () => {
    let drawn = 0;
    const mapping = new Mapping(read, () => (drawn += 1));
    expect([mapping.news, mapping.changed]).toEqual([{}, false]);
    mapping.assign("Notes", "summary");
    mapping.assign("More", "summary");
    expect(mapping.news).toEqual({ map: { title: "Name", summary: "More" } });
    mapping.assign("More", "title");
    expect(mapping.news).toEqual({ map: { title: "More" } });
    mapping.assign("More", "");
    // Not to be guessed again: the field is said to have no column.
    expect([mapping.news, mapping.changed, drawn]).toEqual([{ map: { title: "" } }, true, 4]);
    mapping.sent();
    expect(mapping.changed).toBe(false);
  });

  test("what the officer is changing stays when the service is heard again", () => {
    const mapping = new Mapping(read, () => undefined);
    mapping.assign("Notes", "summary");
    mapping.take({ ...read, map: { title: "More" } });
    expect(mapping.news).toEqual({ map: { title: "Name", summary: "Notes" } });
    mapping.sent();
    mapping.take({ ...read, map: { title: "More" } });
    mapping.assign("Notes", "summary");
    expect(mapping.news).toEqual({ map: { title: "More", summary: "Notes" } });
  });
});
