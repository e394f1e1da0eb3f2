import { describe, expect, test } from "vitest";
import type { Asset, Kind } from "../src/api/types";
import { changesOf, documentOf, fieldsOf, initialOf, type Place } from "../src/panels/compose-document";

const KIND: Kind = {
  name: "event", plural: "events", label: "Event", label_plural: "Events", call: "", hint: "", icon: "", shape: "star",
  colour: "#9c3d00", geometries: ["Point"], location_class: "place", location_classes: ["place"],
  stages: [{ value: "planned", label: "Planned" }, { value: "ended", label: "Ended" }], default_stage: "planned",
  takes_proposals: false,
  fields: [
    { name: "title", label: "A title of its own", type: "text" },
    { name: "seats", label: "Seats", type: "integer" },
  ],
};

const PLACE: Place = { geometry: { type: "Point", coordinates: [-0.1, 51.5] }, area: null, location_class: "place" };

const ASSET: Asset = {
  type: "Feature",
  id: "188f9534-5517-43f3-b48a-2a7bae369258",
  geometry: PLACE.geometry,
  properties: {
    kind: "event", title: "Seed swap", summary: "", body: "", theme: "food", state: "published", stage: "planned",
    audience: "public", community: null, owner: null, organiser: "", website: null, licence: null, attribution: null,
    details: { title: "own", seats: 4 }, location_class: "place", anchor: [-0.1, 51.5], ward: null, area: null,
    starts_at: "2030-03-02T10:00:00Z", ends_at: null, published_at: null, ended_at: null, created_at: "", updated_at: "",
    version: 3, via: "web", appreciations: 0,
  },
};

const values = { title: "Seed swap", theme: "food", starts_at: "2030-03-02T10:00:00.000Z", website: null,
  "details.title": "own", "details.seats": null };

describe("a new asset", () => {
  const made = documentOf(KIND, ASSET.id, "draft", values, PLACE) as Asset;

  test("keeps the kind's fields apart from those that every asset has", () => {
    expect(made.properties).toMatchObject({ kind: "event", title: "Seed swap", details: { title: "own" }, state: "draft" });
    expect(made.id).toBe(ASSET.id);
    expect(made.geometry).toEqual(PLACE.geometry);
  });

  test("leaves out what was left empty", () => {
    expect(made.properties).not.toHaveProperty("website");
    expect(made.properties.details).not.toHaveProperty("seats");
  });
});

describe("a change", () => {
  const same = { ...initialOf(ASSET) };

  test("of nothing is empty", () => {
    const typed = Object.fromEntries(fieldsOf(KIND, true).map(({ name }) => [name, same[name] ?? null]));
    expect(changesOf(KIND, ASSET, typed, PLACE)).toEqual({ properties: {} });
  });

  test("names only what differs", () => {
    const typed = Object.fromEntries(fieldsOf(KIND, true).map(({ name }) => [name, same[name] ?? null]));
    const moved: Place = { ...PLACE, geometry: { type: "Point", coordinates: [-0.2, 51.5] } };
    const patch = changesOf(KIND, ASSET, { ...typed, title: "Plant swap", "details.seats": 5 }, moved);
    expect(patch).toEqual({
      geometry: moved.geometry,
      properties: { title: "Plant swap", details: { title: "own", seats: 5 } },
    });
  });

  test("of the place to a whole area drops the geometry", () => {
    const typed = Object.fromEntries(fieldsOf(KIND, true).map(({ name }) => [name, same[name] ?? null]));
    const area: Place = { geometry: null, area: "X-L01", location_class: "place" };
    expect(changesOf(KIND, ASSET, typed, area)).toEqual({ geometry: null, properties: { area: "X-L01" } });
  });
});

test("an ended stage is offered only for what is there already", () => {
  const stages = (amending: boolean): string[] | undefined =>
    fieldsOf(KIND, amending).find(({ name }) => name === "stage")?.options?.map(({ value }) => value);
  expect(stages(false)).toEqual(["planned"]);
  expect(stages(true)).toEqual(["planned", "ended"]);
});
