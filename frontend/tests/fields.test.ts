import { describe, expect, test } from "vitest";
import type { Field } from "../src/api/types";
import { localTime, typed, valueOf, webAddress } from "../src/parts/fields";

const field = (type: Field["type"], more: Partial<Field> = {}): Field => ({ name: "x", label: "X", type, ...more });
const value = (of: Field, raw: string | boolean): unknown => (valueOf(of, raw) as { value: unknown }).value;
const fault = (of: Field, raw: string): string | undefined => (valueOf(of, raw) as { fault?: string }).fault;

describe("what was typed becomes a value", () => {
  test("text is trimmed; an empty optional text is empty, an empty choice nothing", () => {
    expect(value(field("text"), "  a pear ")).toBe("a pear");
    expect(value(field("text"), "  ")).toBe("");
    expect(value(field("url"), "")).toBeNull();
    expect(value(field("integer"), "")).toBeNull();
  });

  test("numbers take a decimal comma", () => {
    expect(value(field("number"), "2,5")).toBe(2.5);
    expect(value(field("integer"), "12")).toBe(12);
    expect(value(field("boolean"), true)).toBe(true);
  });

  test("a web address may leave out https", () => {
    expect(value(field("url"), "example.org/a b")).toBe("https://example.org/a b");
    expect(value(field("url"), "http://example.org")).toBe("http://example.org");
  });

  test("a local time becomes an instant and back", () => {
    const instant = value(field("date-time"), "2026-07-01T10:30") as string;
    expect(instant).toMatch(/Z$/);
    expect(localTime(instant)).toBe("2026-07-01T10:30");
  });
});

describe("faults are said in words", () => {
  test.each([
    [field("text", { required: true }), " "],
    [field("text", { max_length: 3 }), "four"],
    [field("integer"), "1.5"],
    [field("number"), "many"],
    [field("number", { minimum: 1 }), "0"],
    [field("number", { maximum: 5 }), "6"],
    [field("url"), "javascript:alert(1)"],
    [field("url"), "data:text/html,x"],
    [field("url"), "ftp://example.org"],
  ])("%j refuses %j", (of, raw) => expect(fault(of, raw)).toBeTruthy());
});

describe("what an input begins with", () => {
  test("the asset's own value, else the field's default", () => {
    expect(typed(field("text", { default: "free" }), undefined)).toBe("free");
    expect(typed(field("integer", { default: 2000 }), 0)).toBe("0");
    expect(typed(field("boolean"), undefined)).toBe(false);
    expect(typed(field("url"), null)).toBe("");
  });
});

describe("only addresses of the web become links", () => {
  test.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", "\tjavascript:alert(1)", "data:text/html,x", "vbscript:x", "//x", "", null, 7])(
    "%j does not",
    (address) => expect(webAddress(address)).toBeNull(),
  );

  test("http and https do", () => {
    expect(webAddress("https://example.org/")).toBe("https://example.org/");
    expect(webAddress("http://example.org")).toBe("http://example.org");
  });
});
