import { describe, expect, test } from "vitest";
import { keepQuery, match, safeNext } from "../src/router";

const at = (path: string) => match(new URL(path, "http://localhost"));
const UID = "188f9534-5517-43f3-b48a-2a7bae369258";

describe("addresses", () => {
  test.each([
    ["/", "explore", "list"],
    ["/new", "compose", "over"],
    ["/new/idea", "compose", "over"],
    [`/assets/${UID}`, "asset", "over"],
    [`/assets/${UID}/`, "asset", "over"],
    [`/assets/${UID}/edit`, "edit", "over"],
    ["/desk", "desk", "split"],
    ["/desk/gaps", "desk-gaps", "split"],
    ["/desk/flags/", "desk-flags", "split"],
    ["/desk/import", "desk-import", "split"],
    [`/desk/import/${UID}`, "desk-imported", "split"],
    ["/desk/reports", "desk-reports", "split"],
    ["/desk/areas", "desk-areas", "split"],
    ["/desk/import/7", "missing", "page"],
    ["/account", "account", "page"],
    ["/sign-in", "sign-in", "page"],
    ["/about", "about", "page"],
    ["/assets", "missing", "page"],
    ["/assets/7", "missing", "page"],
    ["/new/a/b", "missing", "page"],
    ["/wp-admin", "missing", "page"],
  ])("%s is %s, %s", (path, name, layout) => {
    expect(at(path)).toMatchObject({ name, layout });
  });

  test("names what it found in the path and keeps the query", () => {
    const route = at(`/assets/${UID}?kind=idea`);
    expect(route.params).toEqual({ uid: UID });
    expect(route.query.get("kind")).toBe("idea");
  });
});

describe("going on after signing in", () => {
  test("a path of ours is kept whole", () => {
    expect(safeNext(`/assets/${UID}?kind=idea#help`)).toBe(`/assets/${UID}?kind=idea#help`);
  });

  test.each([null, "", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)"])(
    "%j leads to the map instead",
    (next) => expect(safeNext(next)).toBe("/"),
  );
});

test("what the desk keeps in its addresses stays there", () => {
  expect(keepQuery("/", new URLSearchParams("area=E1&figure=offers&since=2026-01-01&at=12/51.5/-0.1"))).toBe("/?at=12/51.5/-0.1");
});

test("filters and position go along, secrets of signing in do not", () => {
  const query = new URLSearchParams("kind=idea,offer&at=12/51.5/-0.1&token=secret&sign_in=x&next=/y");
  expect(keepQuery("/new", query)).toBe("/new?kind=idea,offer&at=12/51.5/-0.1");
  expect(keepQuery("/new", new URLSearchParams())).toBe("/new");
});
