import { describe, expect, test } from "vitest";
import { ago, label, learn, metres, span, t } from "../src/i18n";
import { desk } from "../src/i18n/desk";
import { en } from "../src/i18n/en";
import { short } from "../src/map/draw";
import { bounds, steps } from "../src/map/shades";
import { contrast, readable } from "../src/parts/tones";

describe("words", () => {
  test("one and other", () => {
    expect(t("explore.found", { n: 1 })).toBe("1 found");
    expect(t("explore.found", { n: 1234 })).toBe("1,234 found");
    expect(t("pledge.promised", { n: 1 })).toBe("promised 1 hour");
    expect(t("pledge.promised", { n: 2.5 })).toBe("promised 2.5 hours");
  });

  test("a value without words shows as it is", () => {
    expect(label("state", "draft")).not.toBe("draft");
    expect(label("state", "unheard-of")).toBe("unheard-of");
  });

  test("values are text: nothing in them is read as a place for another", () => {
    expect(t("by", { name: "{n} <b>" })).toBe("by {n} <b>");
  });

  test("the desk's words are known once they were fetched, and take the place of none", () => {
    expect(t("desk.heading")).toBe("desk.heading");
    learn(desk);
    expect(t("desk.heading")).toBe("What each ward has");
    expect(label("desk.group", "gaps")).toBe("Gaps");
    expect(Object.keys(desk).filter((key) => key in en)).toEqual([]);
  });

  test("no sentence is empty, and none calls a complaint a report or speaks of pledges", () => {
    const all = Object.values({ ...en, ...desk }).flatMap((word) => (typeof word === "string" ? [word] : Object.values(word))) as string[];
    expect(all.length).toBeGreaterThan(200);
    expect(all.filter((word) => !word.trim())).toEqual([]);
    expect(all.filter((word) => /create pledge|submit|report (this|abuse)/i.test(word))).toEqual([]);
  });
});

describe("times and distances", () => {
  const now = new Date("2026-11-23T12:00:00");

  test("ago", () => {
    expect(ago("2026-11-23T11:59:30", now)).toBe("just now");
    expect(ago("2026-11-23T11:15:00", now)).toBe("45 minutes ago");
    expect(ago("2026-11-22T12:00:00", now)).toBe("1 day ago");
    expect(ago("2026-01-02T12:00:00", now)).toBe("2 January 2026");
  });

  test("a span says the day once, and the year when it is another", () => {
    expect(span("2026-12-05T10:00:00", "2026-12-05T13:00:00", now)).toBe("Sat 5 Dec, 10:00 to 13:00");
    expect(span("2027-01-02T10:00:00", "2027-01-03T09:00:00", now)).toBe("Sat 2 Jan 2027, 10:00 to Sun 3 Jan 2027, 09:00");
  });

  test("metres", () => {
    expect(metres(347)).toBe("350 m");
    expect(metres(2400)).toBe("2.4 km");
  });
});

test.each([[7, "7"], [999, "999"], [1000, "1k"], [1249, "1.2k"], [34_400, "34k"], [999_999, "1m"], [1_250_000, "1.3m"]])(
  "%d is drawn as %s",
  (count, text) => expect(short(count)).toBe(text),
);

describe("shades", () => {
  test("run from nothing to the highest", () => {
    const step = steps([0, 3, 10]);
    expect([0, 3, 5, 10].map(step)).toEqual([0, 1, 2, 4]);
    expect(steps([0, 0])(0)).toBe(0);
  });

  test("the legend names every whole value once", () => {
    for (const top of [1, 2, 3, 5, 7, 40]) {
      const list = bounds([0, top]);
      const values = list.flatMap(([, from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
      expect(values).toEqual(Array.from({ length: top + 1 }, (_, at) => at));
      for (const [at, from, to] of list) expect([steps([top])(from), steps([top])(to)]).toEqual([at, at]);
    }
    expect(bounds([])).toEqual([[0, 0, 0]]);
  });
});

describe("inks", () => {
  const colours = ["#1b6b4a", "#8a4b00", "#a8324a", "#2a5c9a", "#5b4a9e", "#00697a", "#9c3d00"];

  test.each(["#faf5ea", "#202a2f", "#000000", "#ffffff"])("stand out on %s", (ground) => {
    for (const colour of colours) expect(contrast(readable(colour, ground, 4.5), ground)).toBeGreaterThanOrEqual(4.5);
  });

  test("short colours are read as the long ones", () => {
    expect(contrast("#fff", "#000")).toBeCloseTo(21, 5);
    expect(contrast("#FAF", "#ffaaff")).toBe(1);
  });

  test("a colour that stands out already stays itself", () => {
    expect(readable("#1b6b4a", "#faf5ea", 4.5)).toBe("#1b6b4a");
  });
});
